import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { beginColumns, decodeColumn, encodeColumn, endColumns, isCodecKernelLoaded, WRONG_CHECKSUM } from "./codec.ts";
import { CODEC_NAMES } from "./codec-format.ts";
import { decodeColumnTwin, encodeColumnTwin } from "./codec-twin.ts";
import { crc32cTwin } from "./crc-twin.ts";
import { type KernelExports, loadKernel } from "./wasm.ts";

/** The kernel and its twin write the same bytes and read each other's. */
function agree(column: Float64Array, seen?: Set<string>): void {
  const { length } = column;
  const twin = encodeColumnTwin(column, 0, length).slice();
  const bytes = encodeColumn(column, 0, length);
  assert.deepEqual(Buffer.from(bytes), Buffer.from(twin), `twin chose ${CODEC_NAMES[twin[0]]}`);
  const decoded = new Float64Array(length);
  assert.equal(decodeColumn(twin, 0, twin.length, length, decoded, 0), -1);
  assert.deepEqual(bitsOf(decoded), bitsOf(column));
  decoded.fill(0);
  assert.equal(decodeColumnTwin(twin, 0, twin.length, length, decoded, 0), -1);
  assert.deepEqual(bitsOf(decoded), bitsOf(column));
  seen?.add(CODEC_NAMES[twin[0]]);
}

function bitsOf(column: Float64Array): BigUint64Array {
  return new BigUint64Array(column.buffer, column.byteOffset, column.length);
}

/** A column made of a few ingredients, so that every codec and every part of the format gets its turn. */
const ingredients = fc.record({
  count: fc.integer({ min: 1, max: 300 }),
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
  /** Of first differences, in units. */
  stepBits: fc.integer({ min: 0, max: 50 }),
  unit: fc.constantFrom(1, 3, 25, 4096),
  trend: fc.constantFrom(0, 0, 1, 15000, -77),
  power: fc.constantFrom(1, 10, 100, 1e3, 1e6, 1e9),
  start: fc.constantFrom(0, 1, -5, 1795372412505, 2 ** 50, 1e6 / 3, 0.1),
  changeChance: fc.constantFrom(1, 1, 0.5, 0.2, 0.02),
  jumpChance: fc.constantFrom(0, 0, 0.01, 0.1),
  strangerChance: fc.constantFrom(0, 0, 0.01, 0.3),
  isWalk: fc.boolean(),
});

function cook(recipe: typeof ingredients extends fc.Arbitrary<infer R> ? R : never): Float64Array {
  let state = recipe.seed;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return ((state >>> 8) & 0x7fffff) / 0x800000;
  };
  const strangers = [Number.NaN, -0, Infinity, -Infinity, 1 / 3, 5e-324, 1e300, 0.30000000000000004, 2 ** 53];
  const column = new Float64Array(recipe.count);
  let integer = 0;
  for (let i = 0; i < recipe.count; i++) {
    const step = Math.floor((random() - 0.3) * 2 ** recipe.stepBits) * recipe.unit;
    if (random() < recipe.changeChance) integer = recipe.isWalk ? integer + step : step;
    if (random() < recipe.jumpChance) integer += Math.floor(random() * 1e12);
    column[i] = recipe.start + (integer + recipe.trend * i) / recipe.power;
    if (random() < recipe.strangerChance) column[i] = strangers[Math.floor(random() * strangers.length)];
  }
  return column;
}

test("the kernel is built", () => {
  assert.ok(isCodecKernelLoaded, "kernels/codec.wasm: run npm run kernels");
});

test("kernel and twin write the same bytes", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(ingredients, (recipe) => agree(cook(recipe), seen)),
    { numRuns: 1200 },
  );
  agree(new Float64Array(0), seen);
  assert.deepEqual(
    [...CODEC_NAMES].filter((name) => !seen.has(name)),
    [],
    "codecs no column was encoded with",
  );
});

test("kernel and twin agree on any bits", () => {
  const bits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 60 }), (list) => agree(new Float64Array(BigUint64Array.from(list).buffer))),
    { numRuns: 500 },
  );
  // One prefix of bits, so that integers of representable doubles get their turn.
  const close = fc.tuple(bits, fc.array(fc.bigInt({ min: 0n, max: 2n ** 40n }), { minLength: 1, maxLength: 60 }));
  fc.assert(
    fc.property(close, ([high, lows]) =>
      agree(new Float64Array(BigUint64Array.from(lows.map((low) => BigInt.asUintN(64, high + low))).buffer)),
    ),
    { numRuns: 500 },
  );
});

test("kernel and twin refuse the same bytes", () => {
  let state = 99;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const target = new Float64Array(300);
  let refused = 0;
  let accepted = 0;
  fc.assert(
    fc.property(ingredients, (recipe) => {
      const { count } = recipe;
      const bytes = encodeColumnTwin(cook(recipe), 0, count).slice();
      for (let round = 0; round < 20; round++) {
        const mutated = bytes.slice(0, round % 4 === 3 ? random(bytes.length) : bytes.length);
        if (mutated.length === 0) continue;
        mutated[random(Math.min(mutated.length, round % 2 === 0 ? 8 : 1e6))] = random(256);
        const samples = round % 3 === 0 ? random(300) : count;
        const byKernel = decodeColumn(mutated, 0, mutated.length, samples, target, 0);
        const byTwin = decodeColumnTwin(mutated, 0, mutated.length, samples, target, 0);
        assert.equal(byKernel < 0, byTwin < 0, `${samples} from ${Buffer.from(mutated).toString("hex")}`);
        if (byTwin < 0) accepted++;
        else refused++;
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(refused > 100 && accepted > 100, `${refused} refused, ${accepted} accepted`);
});

test("malformed bytes change nothing in the kernel's memory but its scratch", () => {
  interface CodecExports extends KernelExports {
    columnAddress(): number;
    bytesAddress(): number;
    decode(length: number, count: number): number;
  }
  const { exports, memory } = loadKernel<CodecExports>("codec");
  const bytesAt = exports.bytesAddress();
  const columnAt = exports.columnAddress() / 8;
  // Before the first call only tables are not zero.
  const tables: [at: number, byte: number][] = [];
  for (let at = 0; at < memory.byteLength; at++) if (memory.u8[at] !== 0) tables.push([at, memory.u8[at]]);
  assert.ok(tables.length > 100, `${tables.length} bytes of tables`);
  // Behind everything the kernel owns nothing may be written.
  memory.reserve(memory.base + 65_536);
  const behind = new Uint32Array(memory.u8.buffer, memory.base, 1024).fill(0xdeadbeef);
  fc.assert(
    fc.property(ingredients, fc.infiniteStream(fc.nat(0xffff)), (recipe, noise) => {
      const bytes = encodeColumnTwin(cook(recipe), 0, recipe.count).slice();
      const next = () => noise.next().value as number;
      for (let round = 0; round < 30; round++) {
        const length = round % 3 === 0 ? next() % (bytes.length + 1) : bytes.length;
        memory.u8.set(bytes, bytesAt);
        for (let k = next() % 4; k >= 0 && length > 0; k--) memory.u8[bytesAt + (next() % length)] = next() & 0xff;
        const count = round % 2 === 0 ? recipe.count : next() % 400;
        memory.f64.fill(7, columnAt, columnAt + 402);
        exports.decode(length, count);
        // An odd count is rounded up to a pair.
        for (let i = count + 1; i < 402; i++) if (memory.f64[columnAt + i] !== 7) assert.fail(`wrote ${i} of ${count}`);
      }
    }),
    { numRuns: 500 },
  );
  for (const [at, byte] of tables) assert.equal(memory.u8[at], byte, `table byte at ${at}`);
  for (const word of behind) assert.equal(word, 0xdeadbeef);
});

test("columns of one file, decoded together: each as if it were alone", () => {
  const piece = fc.record({ recipe: ingredients, gap: fc.constantFrom(0, 0, 4, 100, 5000) });
  const turn = fc.record({
    which: fc.nat(),
    cut: fc.constantFrom(0, 0, 0, 1, 5),
    seed: fc.nat(),
    isSound: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.array(turn, { maxLength: 20 }), (pieces, turns) => {
      const file = new Uint8Array(80_000).fill(0xa5);
      const columns: { column: Float64Array; lo: number; hi: number }[] = [];
      let at = 0;
      for (const { recipe, gap } of pieces) {
        const column = cook(recipe);
        const bytes = encodeColumn(column, 0, column.length);
        at += gap;
        file.set(bytes, at);
        columns.push({ column, lo: at, hi: at + bytes.length });
        at += bytes.length;
      }
      beginColumns();
      for (const [i, { which, cut, seed, isSound }] of turns.entries()) {
        // In order most of the time, as they are read.
        const { column, lo, hi } = columns[i < columns.length ? i : which % columns.length] as (typeof columns)[number];
        const end = Math.max(lo, hi - cut);
        const crc = crc32cTwin(file, lo, end, seed);
        const alone = new Float64Array(column.length);
        const want = decodeColumnTwin(file, lo, end, column.length, alone, 0);
        const got = new Float64Array(column.length);
        const sound = isSound ? crc : (crc ^ 0x100) >>> 0;
        const result = decodeColumn(file, lo, end, column.length, got, 0, sound, seed);
        assert.equal(result, isSound ? want : WRONG_CHECKSUM);
        assert.deepEqual(bitsOf(got), bitsOf(isSound && want < 0 ? alone : new Float64Array(column.length)));
      }
      endColumns();
    }),
    { numRuns: 300 },
  );
});
