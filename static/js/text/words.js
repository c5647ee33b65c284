// What scripts say, in English. The page of another language has a module before all others that puts
// its own words in: docs/translating.md.
import english from "./words/en.js";

export const words = { ...english };
