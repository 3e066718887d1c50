import assert from "node:assert/strict";
import { test } from "node:test";
import { formatExact, formatShort, formatTick, type Unit } from "./number-format.ts";

test("formatShort", () => {
  const same = (value: number, text: string, unit: Unit = "number") =>
    assert.equal(formatShort(value, unit), text, String(value));
  same(0, "0");
  same(-0, "0");
  same(1, "1");
  same(0.25, "0.25");
  same(0.012345, "0.0123");
  same(1.2e-7, "1.2e-7");
  same(999, "999");
  same(1234, "1.23k");
  same(-1234, "-1.23k");
  same(999_999, "1M");
  same(123_456, "123.5k");
  same(1e18, "1E");
  same(1e21, "1e+21");
  same(Number.NaN, "NaN");
  same(Number.POSITIVE_INFINITY, "+Inf");
  same(0, "0", "bytes");
  same(512, "512 B", "bytes");
  same(1024, "1 KiB", "bytes");
  same(78_643_200, "75 MiB", "bytes");
  same(1_073_741_823, "1 GiB", "bytes");
  same(0.000_000_25, "250 ns", "seconds");
  same(0.0351, "35.1 ms", "seconds");
  same(0.2504, "250 ms", "seconds");
  same(0.99999, "1 s", "seconds");
  same(59.99, "1 min", "seconds");
  same(-90, "-1.5 min", "seconds");
  same(1e6, "11.6 d", "seconds");
  same(1e-12, "1e-12", "seconds");
});

test("formatExact", () => {
  const same = (value: number, text: string) => assert.equal(formatExact(value), text);
  same(0, "0");
  same(1234567, "1,234,567");
  same(-1234.5678, "-1,234.5678");
  same(0.1234567, "0.1234567");
  same(1e21, "1e+21");
  same(5e-324, "5e-324");
  same(Number.NEGATIVE_INFINITY, "-Inf");
});

test("neighbours on an axis never read the same", () => {
  for (const unit of ["number", "bytes", "seconds"] as const) {
    for (let power = -4; power < 15; power++) {
      for (const gap of [1, 2, 5].map((digit) => digit * 10 ** power)) {
        for (const start of [0, 7 * gap, 1000 * gap, -3 * gap]) {
          const texts = Array.from({ length: 5 }, (_, i) => formatTick(start + i * gap, gap, unit));
          assert.equal(new Set(texts).size, 5, `${unit} from ${start} by ${gap}: ${texts.join(" ")}`);
        }
      }
    }
  }
  assert.equal(formatTick(200, 100, "number"), "200");
  assert.equal(formatTick(1500, 500, "number"), "1.5k");
  assert.deepEqual(
    [0.25, 0.5, 0.75, 1].map((tick) => formatTick(tick, 0.25, "number")),
    ["0.25", "0.5", "0.75", "1"],
  );
  assert.equal(formatTick(2500, 2500, "number"), "2.5k");
  assert.equal(formatTick(0.75, 0.25, "seconds"), "750 ms");
  assert.equal(formatTick(90, 30, "seconds"), "1.5 min");
  assert.equal(formatTick(48 * 2 ** 20, 8 * 2 ** 20, "bytes"), "48 MiB");
});
