import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommonLabels, formatLabels, listLabelNames, omitLabels, readLabels, shortNames } from "./labels.ts";

test("labels are read from any JSON", () => {
  assert.deepEqual(readLabels(JSON.parse('{"b":"1","__name__":"m","__proto__":"x"}')), [
    ["__name__", "m"],
    ["b", "1"],
    ["__proto__", "x"],
  ]);
  assert.deepEqual(readLabels(null), []);
  assert.deepEqual(readLabels("m"), []);
  assert.deepEqual(readLabels({ a: 1 }), []);
});

test("formatLabels", () => {
  assert.equal(formatLabels([["__name__", "m"]]), "m");
  assert.equal(formatLabels([]), "{}");
  assert.equal(
    formatLabels([
      ["__name__", "m"],
      ["a", 'q"'],
      ["b", "2"],
    ]),
    String.raw`m{a="q\"", b="2"}`,
  );
});

test("what all have in common is said once", () => {
  const a = readLabels({ __name__: "m", job: "j", x: "1" });
  const b = readLabels({ __name__: "m", job: "j", x: "2" });
  const common = findCommonLabels([a, b]);
  assert.deepEqual(common, [
    ["__name__", "m"],
    ["job", "j"],
  ]);
  assert.deepEqual(omitLabels(a, common), [["x", "1"]]);
  assert.deepEqual(findCommonLabels([a]), []);
  assert.deepEqual(findCommonLabels([a, []]), []);
  assert.deepEqual(findCommonLabels([]), []);
});

test("listLabelNames", () => {
  assert.deepEqual(listLabelNames([readLabels({ z: "1", __name__: "m" }), readLabels({ a: "1" })]), [
    "__name__",
    "a",
    "z",
  ]);
});

test("short names are what tells series apart", () => {
  const of = (...sets: Record<string, string>[]) => shortNames(sets.map(readLabels));
  assert.deepEqual(of({ job: "j", path: "/a" }, { job: "j", path: "/b" }), ["/a", "/b"]);
  assert.deepEqual(of({ __name__: "m", x: "1" }, { __name__: "n", x: "1" }), ["m", "n"]);
  assert.deepEqual(of({ a: "1", b: "2" }, { a: "2", b: "2", c: "3" }), ["1", "2 3"]);
  assert.deepEqual(of({ a: "1" }), [""]);
  assert.deepEqual(of(), []);
});
