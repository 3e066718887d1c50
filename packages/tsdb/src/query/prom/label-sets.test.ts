import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "../../base/labels.ts";
import { DistinctLabels, dropMetadata } from "./label-sets.ts";

const EQUAL = /same labelset/;

test("series that lose more than one metric's name are told apart by their labels", () => {
  const distinct = new DistinctLabels(false);
  const add = (name: string, ...pairs: string[]): void => {
    const before = new Labels(name, pairs);
    distinct.add(before, dropMetadata(before));
  };
  add("a", "x", "1");
  add("a", "x", "2");
  add("b", "x", "3");
  add("b", "y", "3");
  add("b", "x", "1", "y", "1");
  assert.throws(() => add("b", "x", "1"), EQUAL, "one that waited, of another metric");
  assert.throws(() => add("c", "x", "3"), EQUAL);
  add("c", "x", "33");
});

test("so many that hashes meet: different labels stay different, and equal ones are found", () => {
  const distinct = new DistinctLabels(true);
  const labels = Array.from({ length: 200_000 }, (_, i) => new Labels("", ["x", `${i * 7919}`]));
  for (const one of labels) distinct.add(one, one);
  for (let i = 0; i < labels.length; i += 100) {
    const one = labels[i] as Labels;
    assert.throws(() => distinct.add(one, new Labels("", [...one.pairs])), EQUAL);
  }
});
