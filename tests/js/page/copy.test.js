// The BibTeX entry that readers copy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { withAddress } from "../../../static/js/page/copy.js";

for (const [address, field] of [
  ["https://batchnorm.example", "\n  url = {https://batchnorm.example/},\n}"],
  ["https://lab.example/bn/", "\n  url = {https://lab.example/bn/},\n}"],
  ["http://192.168.1.7:8000", "\n  url = {http://192.168.1.7:8000/},\n}"],
  ["http://127.0.0.1:8000", "\n}"],
  ["http://localhost:8000", "\n}"],
  ["http://[::1]:8000", "\n}"],
  ["file:///article.html", "\n}"],
]) {
  test(`the entry has an address that others can reach or none: ${address}`, () => {
    const entry = withAddress("@misc{x,\n  year = {2026},\n}", new URL(address));
    assert.equal(entry, `@misc{x,\n  year = {2026},${field}`);
  });
}
