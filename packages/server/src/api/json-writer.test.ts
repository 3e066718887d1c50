import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFloat, JsonWriter } from "./json-writer.ts";

function written(write: (writer: JsonWriter) => void): string {
  const writer = new JsonWriter();
  write(writer);
  return writer.take().toString("utf8");
}

test("formatFloat prints as Go does", () => {
  const same = (value: number, text: string) => {
    assert.equal(formatFloat(value), text);
    assert.equal(
      written((writer) => writer.float(value)),
      text,
    );
  };
  same(0, "0");
  same(-0, "-0");
  same(1, "1");
  same(-17, "-17");
  same(0.1, "0.1");
  same(1 / 3, "0.3333333333333333");
  same(1e-9, "0.000000001");
  same(1.5e-7, "0.00000015");
  same(1e15, "1000000000000000");
  same(1e21, "1000000000000000000000");
  same(1.5e21, "1500000000000000000000");
  same(-1.25e22, "-12500000000000000000000");
  same(2 ** 64, "18446744073709552000");
  same(Number.NaN, "NaN");
  same(Infinity, "+Inf");
  same(-Infinity, "-Inf");
  same(5e-324, `0.${"0".repeat(323)}5`);
  same(1.7976931348623157e308, `17976931348623157${"0".repeat(292)}`);
});

test("floats read back as they were, without exponent", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = written((writer) => writer.float(value));
      assert.match(text, /^-?\d+(\.\d+)?$/);
      assert.ok(Object.is(Number(text), value), text);
    }),
  );
});

test("decimals printed by hand are the shortest", () => {
  const decimal = fc.tuple(fc.integer({ min: -1e15, max: 1e15 }), fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(decimal, ([mantissa, places]) => {
      const value = mantissa / 10 ** places;
      const neighbour = value * (1 + Number.EPSILON);
      for (const each of [value, neighbour]) {
        assert.equal(
          written((writer) => writer.float(each)),
          formatFloat(each),
        );
      }
    }),
    { numRuns: 1000 },
  );
});

test("integers and seconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }), (value) => {
      assert.equal(
        written((writer) => writer.integer(value)),
        String(value),
      );
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: -1e13, max: 1e14 }), (ms) => {
      assert.equal(
        written((writer) => writer.seconds(ms)),
        formatFloat(ms / 1000),
      );
    }),
  );
});

test("strings are valid JSON whatever they hold", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (a, b) => {
      for (const text of [a, b, `${a}<'"\\\n\u0000`]) {
        const bytes = written((writer) => writer.string(text));
        const back = JSON.parse(bytes);
        assert.equal(back, Buffer.from(text, "utf8").toString("utf8"));
        assert.ok(!bytes.includes("<") && !bytes.includes("'"));
      }
    }),
  );
  assert.equal(
    written((writer) => writer.string("\udc80x")),
    '"\ufffdx"',
  );
  assert.equal(
    written((writer) => writer.string("a<b'c\td\u007f")),
    '"a\\u003cb\\u0027c\\td\u007f"',
  );
});

test("grows past any capacity and takes are independent", () => {
  const writer = new JsonWriter();
  for (let i = 0; i < 50_000; i++) writer.raw("0123456789");
  const first = writer.take();
  writer.raw("x");
  assert.equal(first.length, 500_000);
  assert.equal(first.toString().slice(-3), "789");
  assert.equal(writer.take().toString(), "x");
});

test("a list of strings is printed as its strings are", () => {
  const texts = fc.array(fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.string({ unit: "binary" }), fc.string()));
  fc.assert(
    fc.property(texts, fc.nat(5), fc.nat(20), (items, lo, count) => {
      const some = items.slice(lo, lo + count);
      const want = some.map((text) => written((writer) => writer.string(text))).join(",");
      if (some.length === 0) return;
      assert.equal(
        written((writer) => writer.strings(items, lo, lo + some.length)),
        want,
      );
    }),
  );
});

test("texts are printed as the same strings are, or not at all", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme-ascii", maxLength: 100 }),
    fc.constantFrom("", "é", "<", "'", '"', "\\", "\u007f", "\u001f", " !#&(;=[]~", "x".repeat(90)),
    fc.stringMatching(/^[a-z0-9]{0,80}$/),
  );
  let printed = 0;
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), fc.nat(5), (items, from) => {
      const lo = Math.min(from, items.length - 1);
      const pieces = items.map((item) => Buffer.from(item));
      let end = 0;
      const ends = Uint32Array.from(pieces, (piece) => (end += piece.length));
      const texts = { bytes: Buffer.concat(pieces), ends, count: items.length };
      let isPlain = false;
      const got = written((writer) => {
        isPlain = writer.plainTexts(texts, lo, items.length);
      });
      const some = items.slice(lo);
      assert.equal(isPlain, !some.some((item) => /[^ !#-&(-;=-[\]-~]/.test(item)));
      assert.equal(got, isPlain ? written((writer) => writer.strings(items, lo, items.length)) : "");
      if (isPlain) printed++;
    }),
  );
  assert.ok(printed > 10);
});
