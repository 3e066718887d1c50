import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatExponent3, formatPlain } from "./float-text.ts";

test("formatPlain: shortest digits without an exponent", () => {
  const same = (value: number, text: string) => assert.equal(formatPlain(value), text);
  same(0, "0");
  same(-0, "-0");
  same(0.1, "0.1");
  same(-2.5, "-2.5");
  same(1e21, "1000000000000000000000");
  same(1.5e22, "15000000000000000000000");
  same(-1.5e-7, "-0.00000015");
  same(5e-324, `0.${"0".repeat(323)}5`);
  same(Infinity, "+Inf");
  same(-Infinity, "-Inf");
  same(NaN, "NaN");
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(formatPlain(value)), value));
      assert.match(formatPlain(value), /^-?\d+(\.\d+)?$/);
    }),
  );
});

test("formatExponent3: three digits, half to even, two digits of exponent", () => {
  const same = (value: number, text: string) => assert.equal(formatExponent3(value), text);
  same(0, "0.000e+00");
  same(-0, "-0.000e+00");
  same(1, "1.000e+00");
  same(-128, "-1.280e+02");
  same(0.25, "2.500e-01");
  same(1e100, "1.000e+100");
  same(5e-324, "4.941e-324");
  same(Infinity, "+Inf");
  same(2 ** -6, "1.562e-02");
  same(1.0625, "1.062e+00");
  same(1.1875, "1.188e+00");
  same(10.625, "1.062e+01");
  // This one is no tie: the float64 nearest to 0.0010625 is a little above it.
  same(1.0625e-3, "1.063e-03");
  same(2.0005, "2.001e+00");
  same(9.99951, "1.000e+01");
});
