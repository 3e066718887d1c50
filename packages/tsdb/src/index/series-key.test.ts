import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeLabelText } from "../base/label-bytes.ts";
import type { RawLabel } from "../base/labels.ts";
import { decodeSeriesKey, encodeSeriesKey, printRawLabels, seriesKeyOf } from "./series-key.ts";

const text = fc.uint8Array({ minLength: 1, maxLength: 6 });
const labels = fc.uniqueArray(fc.record({ name: text, value: text }), {
  selector: ({ name }) => Buffer.from(name).toString("hex"),
  minLength: 1,
  maxLength: 6,
});
const raw = (name: string, value: string): RawLabel => ({ name: encodeLabelText(name), value: encodeLabelText(value) });

test("a key is the labels' bytes: decoded and encoded again it is the same, whatever bytes they are", () => {
  fc.assert(
    fc.property(labels, (list) => {
      const key = encodeSeriesKey(list) as Uint8Array;
      assert.deepEqual(seriesKeyOf(decodeSeriesKey(key)), key);
      assert.deepEqual(encodeSeriesKey([...list].reverse()), key, "in any order");
      assert.deepEqual(
        encodeSeriesKey([...list, { name: Uint8Array.of(1, 2, 3, 4, 5, 6, 7), value: new Uint8Array(0) }]),
        key,
      );
    }),
  );
});

test("different labels have different keys", () => {
  const known = new Map<string, string>();
  fc.assert(
    fc.property(labels, (list) => {
      const set = JSON.stringify(
        list.map(({ name, value }) => [Buffer.from(name).toString("hex"), Buffer.from(value).toString("hex")]).sort(),
      );
      const key = Buffer.from(encodeSeriesKey(list) as Uint8Array).toString("hex");
      assert.equal(known.get(key) ?? set, set);
      known.set(key, set);
    }),
  );
});

test("the metric name stands first, under an empty name", () => {
  const key = encodeSeriesKey([raw("a", "b"), raw("__name__", "up")]);
  assert.deepEqual(key, Uint8Array.of(0, 2, 117, 112, 1, 97, 1, 98));
  assert.equal(String(decodeSeriesKey(key as Uint8Array)), 'up{a="b"}');
});

test("labels that name no series are told apart", () => {
  assert.equal(encodeSeriesKey([]), "no_labels");
  assert.equal(encodeSeriesKey([raw("a", "")]), "no_labels");
  assert.equal(encodeSeriesKey([raw("", "b")]), "empty_label_name");
  assert.equal(encodeSeriesKey([raw("a", "b"), raw("c", "d"), raw("a", "b")]), "duplicate_label_name");
  assert.equal(encodeSeriesKey([raw("__name__", "b"), raw("__name__", "c")]), "duplicate_label_name");
});

test("labels in messages are one line, and short", () => {
  const raw = (...pairs: string[][]) =>
    pairs.map(([name, value]) => ({ name: Buffer.from(name as string), value: Buffer.from(value as string) }));
  const print = (...pairs: string[][]): string => printRawLabels(raw(...pairs), 40);
  assert.equal(print(), "{}");
  assert.equal(print(["a", "1"], ["a", 'say "x"']), '{a="1",a="say \\"x\\""}');
  assert.equal(print(["two words", "a\nb\u2028"]), '{"two words"="a\\nb\ufffd"}');
  assert.equal(print(["a", "x".repeat(1e6)]), `{a="${"x".repeat(36)}…`);
  assert.equal(print(...Array.from({ length: 100 }, () => ["abc", "12"])).length, 41);
});
