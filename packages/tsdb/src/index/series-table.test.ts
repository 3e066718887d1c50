import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { SeriesTable, UNKNOWN_SERIES } from "./series-table.ts";

test("every hash finds its number while the table grows, and no other hash does", () => {
  const random = new Random(5);
  const count = 20_000;
  const hashes = new Uint32Array(count * 4);
  for (let i = 0; i < hashes.length; i++) hashes[i] = random.nextUint32();
  // Neighbours that differ in one word only, and all begin their search at the same entry.
  for (let i = 0; i < 260; i++) hashes.set([7, i & 15, (i >> 4) * 512, 0], i * 4);
  const table = new SeriesTable();
  for (let i = 0; i < count; i++) {
    assert.equal(table.find(hashes, i * 4), UNKNOWN_SERIES);
    table.add(hashes, i * 4, i);
  }
  assert.equal(table.size, count);
  const target = new Uint32Array(count);
  assert.equal(table.findAll(hashes, 0, count, target), 0);
  for (let i = 0; i < count; i++) assert.equal(target[i], i);
  const stranger = Uint32Array.of(0, 7, 0, 400, 0);
  assert.equal(table.find(stranger, 1), UNKNOWN_SERIES);
  assert.equal(table.findAll(stranger, 0, 1, target), 1);
  table.clear();
  assert.equal(table.size, 0);
  assert.equal(table.findAll(hashes, 0, count, target), count);
});

test("a hash of all ones is a hash like any other", () => {
  const table = new SeriesTable();
  const ones = new Uint32Array(4).fill(0xffff_ffff);
  assert.equal(table.find(ones, 0), UNKNOWN_SERIES);
  table.add(ones, 0, 0xffff_fffe);
  assert.equal(table.find(ones, 0), 0xffff_fffe);
});
