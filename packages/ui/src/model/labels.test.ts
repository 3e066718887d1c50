import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommonLabels, formatLabels, listLabelNames, omitLabels, readLabels } from "./labels.ts";

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
