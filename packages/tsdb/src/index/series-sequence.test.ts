import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { SeriesSequence } from "./series-sequence.ts";
import { SeriesTable } from "./series-table.ts";

/** Counts what it is asked. */
class CountingTable extends SeriesTable {
  asked = 0;

  override find(hashes: Uint32Array, at: number): number {
    this.asked++;
    return super.find(hashes, at);
  }
}

function tableOf(count: number): { table: CountingTable; hashes: Uint32Array } {
  const random = new Random(9);
  const hashes = new Uint32Array(4 * count);
  for (let i = 0; i < hashes.length; i++) hashes[i] = random.nextUint32();
  const table = new CountingTable();
  for (let i = 0; i < count; i++) table.add(hashes, 4 * i, i);
  return { table, hashes };
}

/** Looks up `order` as it would come in a batch, and holds the answer against the table's. */
function look(sequence: SeriesSequence, table: CountingTable, hashes: Uint32Array, order: readonly number[]): number {
  const batch = new Uint32Array(4 * order.length);
  for (const [i, which] of order.entries()) batch.set(hashes.subarray(4 * which, 4 * which + 4), 4 * i);
  const target = new Uint32Array(order.length);
  const before = table.asked;
  sequence.findAll(batch, 0, order.length, target);
  const asked = table.asked - before;
  for (let i = 0; i < order.length; i++) assert.equal(target[i], table.find(batch, 4 * i));
  return asked;
}

function row(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

test("what comes in an order that was met is not looked up in the table, whoever sends between", () => {
  const { table, hashes } = tableOf(200);
  const sequence = new SeriesSequence(table, 8);
  assert.equal(look(sequence, table, hashes, row(0, 100)), 100);
  assert.equal(look(sequence, table, hashes, row(100, 200)), 100);
  // The first of a batch is a guess.
  assert.equal(look(sequence, table, hashes, row(0, 100)), 1);
  assert.equal(look(sequence, table, hashes, row(100, 200)), 0);
  assert.equal(look(sequence, table, hashes, [...row(0, 30), ...row(60, 100), ...row(30, 60)]), 3);
});

test("unknown hashes, zeros, several hashes of a number and a row that is overwritten give the table's answers", () => {
  const random = new Random(3);
  const { table, hashes } = tableOf(700);
  const sequence = new SeriesSequence(table, 6);
  const zeros = new Uint32Array(4);
  assert.equal(look(sequence, table, zeros, [0, 0]), 2);
  const aliases = new Uint32Array(4 * 50);
  for (let i = 0; i < aliases.length; i++) aliases[i] = random.nextUint32();
  for (let i = 0; i < 40; i++) table.add(aliases, 4 * i, i);
  const all = new Uint32Array([...hashes, ...aliases]);
  for (let round = 0; round < 200; round++) {
    const from = random.below(740);
    look(sequence, table, all, row(from, Math.min(750, from + 1 + random.below(80))));
  }
});

test("where nothing comes in order, guessing is given up, and taken up again", () => {
  const { table, hashes } = tableOf(1000);
  const sequence = new SeriesSequence(table, 4);
  const order = row(0, 1000);
  // 64 wrong guesses are paid, 1,024 hashes are not guessed.
  look(sequence, table, hashes, order);
  const few = row(0, 8);
  for (let i = 0; i < 128; i++) assert.equal(look(sequence, table, hashes, few), 8);
  assert.equal(look(sequence, table, hashes, few), 8);
  assert.equal(look(sequence, table, hashes, few), 1);
});
