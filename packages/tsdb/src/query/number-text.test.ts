import assert from "node:assert/strict";
import { test } from "node:test";
import { assertWithin } from "../base/patience.test.support.ts";
import { formatShort, readNumber } from "./number-text.ts";

test("readNumber", () => {
  const same = (text: string, value: number): void => assert.deepEqual(readNumber(text), value, text);
  same("1", 1);
  same("+1.", 1);
  same(".5", 0.5);
  same("-1.5e-3", -0.0015);
  same("1E2", 100);
  same("+Inf", Infinity);
  same("-infinity", -Infinity);
  for (const text of ["", ".", "1e", "0x10", "1_0", " 1", "1 ", "one", "NaN", "--1", "1.2.3"]) same(text, NaN);
});

test("what is no number is found out in time, however long it is", () => {
  for (const text of [
    `${"1".repeat(60_000)}x`,
    `${"1".repeat(1000)}x`,
    `1.${"1".repeat(1000)}e`,
    `${"1.".repeat(500)}`,
  ]) {
    assertWithin(2, () => assert.ok(Number.isNaN(readNumber(text))), text);
  }
});

test("formatShort", () => {
  assert.equal(formatShort(0.00001), "1e-05");
  assert.equal(formatShort(0.5), "0.5");
  assert.equal(formatShort(1e21), "1e+21");
});
