import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFloat } from "./number-format.ts";

test("formatFloat writes plain decimals", () => {
  const same = (value: number, text: string) => assert.equal(formatFloat(value), text);
  same(0, "0");
  same(-0, "-0");
  same(42, "42");
  same(-7, "-7");
  same(1.5, "1.5");
  same(4294967296, "4294967296");
  same(1704070800.123, "1704070800.123");
  same(1e21, "1000000000000000000000");
  same(1.5e25, "15000000000000000000000000");
  same(-1.25e22, "-12500000000000000000000");
  same(1e-10, "0.0000000001");
  same(-1.5e-7, "-0.00000015");
  same(5e-324, `0.${"0".repeat(323)}5`);
  same(Infinity, "+Inf");
  same(-Infinity, "-Inf");
  same(Number.NaN, "NaN");
});

test("formatFloat is read back to the same bits, without an exponent", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = formatFloat(value);
      assert.match(text, /^-?[0-9]+(\.[0-9]+)?$/);
      assert.ok(Object.is(Number(text), value), text);
    }),
    { seed: 20240104, numRuns: 2000 },
  );
});
