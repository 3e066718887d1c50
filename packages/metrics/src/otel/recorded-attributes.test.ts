import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes } from "@opentelemetry/api";
import { ATTRIBUTE_NAME_LENGTH_MAX, ATTRIBUTES_MAX, checkAttributes } from "./recorded-attributes.ts";

test("checkAttributes", async (t) => {
  await t.test("what is fine is handed on itself", () => {
    const fine = { method: "GET", status: 200, cached: false };
    assert.equal(checkAttributes(fine), fine);
  });
  await t.test("values of any type", () => {
    const become = (value: unknown, wanted: unknown): void =>
      assert.deepEqual(checkAttributes({ a: value } as Attributes), wanted === undefined ? {} : { a: wanted });
    become(10n, "10");
    become(Number.NaN, "NaN");
    become([1, "x", null], '[1,"x",null]');
    become({ b: { c: 1 } }, '{"b":{"c":1}}');
    become(null, undefined);
    become(undefined, undefined);
    become(Symbol("s"), undefined);
    become(() => 1, undefined);
    become("x".repeat(10_000_000), "x".repeat(4096));
    become(["y".repeat(10_000_000)], `["${"y".repeat(4094)}`);
  });
  await t.test("no attributes at all", () => {
    for (const value of [undefined, null, 5, "text", true]) assert.deepEqual(checkAttributes(value as never), {});
  });
  await t.test("names and their number", () => {
    const long = checkAttributes({ ["n".repeat(1_000_000)]: 1 });
    assert.deepEqual(long, { ["n".repeat(ATTRIBUTE_NAME_LENGTH_MAX)]: 1 });
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`a${i}`, i]));
    assert.equal(Object.keys(checkAttributes(many)).length, ATTRIBUTES_MAX);
  });
  await t.test("__proto__ is a name as any other", () => {
    const mended = checkAttributes(JSON.parse('{"__proto__": {"x": 1}}') as Attributes);
    assert.deepEqual(Object.entries(mended), [["__proto__", '{"x":1}']]);
  });
});
