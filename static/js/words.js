// What scripts say, in the page's language; in English where that has no module.
import english from "./words/en.js";

const { lang } = document.documentElement;
const load = () => import(`./words/${lang}.js`).then((found) => found.default, () => english);

export const words = lang === "en" ? english : await load();
