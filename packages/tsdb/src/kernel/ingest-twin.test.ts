/**
 * kernels/ingest.ts against its twin: the same columns for what is well-formed and the same fault, at the same byte,
 * for what is not. FUZZ_RUNS=100000 runs longer, FUZZ_SEED elsewhere.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import type { Tenant } from "../base/tenant.ts";
import { DOMAIN_ROWS, hashRowKeys, processHashKey } from "./ingest-kernel.ts";
import { compareParse, compareUnsnappy, mutate, randomBlock, randomRequest } from "./ingest-twin.fuzz.ts";
import { hashSeriesTwin } from "./ingest-twin.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 600);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const TENANT: Tenant = { accountId: 7, projectId: 0xffffffff };

test("well-formed requests, and each of them cut at every byte", () => {
  const random = new Random(SEED);
  for (let run = 0; run < Math.ceil(RUNS / 30); run++) {
    const bytes = randomRequest(random);
    compareParse(bytes);
    for (let length = 0; length < bytes.length; length++) compareParse(bytes.subarray(0, length));
  }
});

test("requests that hold more series, samples and metadata than their size lets expect", () => {
  const random = new Random(SEED + 6);
  const bytes: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const kind = random.below(4);
    // A series of one label, named by one byte, and from no to nine samples of nothing; or metadata of nothing.
    const samples = kind === 0 ? random.below(10) : 1;
    if (kind === 1) bytes.push(0x1a, 0);
    else
      bytes.push(
        0x0a,
        5 + 2 * samples,
        0x0a,
        3,
        0x0a,
        1,
        i & 0xff,
        ...Array.from({ length: 2 * samples }, (_, k) => (k % 2 === 0 ? 0x12 : 0)),
      );
  }
  assert.equal(compareParse(Uint8Array.from(bytes)), undefined);
  assert.notEqual(compareParse(Uint8Array.from(bytes.slice(0, -1))), undefined);
});

test("a long label that looks like a short one to who takes its length for one byte", () => {
  // 1,280 bytes, so that the length ends in 0x0a, which is also the tag that the kernel looks for there.
  const name = [...Buffer.from("ninechars"), 0x12, 114];
  const value = new Array<number>(1280 - 2 - name.length - 3).fill(0x78);
  const label = [
    0x0a,
    0x80,
    0x0a,
    0x0a,
    name.length,
    ...name,
    0x12,
    0x80 | (value.length & 127),
    value.length >> 7,
    ...value,
  ];
  const series = [...label, 0x12, 0];
  const bytes = Uint8Array.of(0x0a, 0x80 | (series.length & 127), series.length >> 7, ...series);
  assert.equal(compareParse(bytes), undefined);
});

test("requests with bytes changed, dropped, doubled", () => {
  const random = new Random(SEED + 1);
  const faults = new Set<number>();
  for (let run = 0; run < RUNS * 5; run++) {
    const fault = compareParse(mutate(random, randomRequest(random)));
    if (fault !== undefined) faults.add(fault.code);
  }
  // The mutations reach every way in which protobuf can be wrong.
  if (RUNS >= 600) assert.deepEqual([...faults].sort(), [1, 2, 3, 4, 5, 6, 7]);
});

test("noise", () => {
  const random = new Random(SEED + 2);
  for (let run = 0; run < RUNS * 5; run++) {
    const bytes = Uint8Array.from({ length: random.below(40) }, () => random.nextUint32());
    compareParse(bytes);
    compareUnsnappy(bytes);
  }
});

test("snappy blocks, and each of them cut at every byte", () => {
  const random = new Random(SEED + 3);
  for (let run = 0; run < Math.ceil(RUNS / 30); run++) {
    const block = randomBlock(random);
    assert.equal(compareUnsnappy(block), undefined);
    for (let length = 0; length < block.length; length++) compareUnsnappy(block.subarray(0, length));
  }
});

test("snappy blocks with bytes changed, dropped, doubled", () => {
  const random = new Random(SEED + 4);
  const faults = new Set<number>();
  for (let run = 0; run < RUNS * 5; run++) {
    const fault = compareUnsnappy(mutate(random, randomBlock(random)));
    if (fault !== undefined) faults.add(fault.code);
  }
  if (RUNS >= 600)
    assert.deepEqual(
      [...faults].sort((a, b) => a - b),
      [2, 8, 9, 10, 11, 12, 13],
    );
});

test("row keys hash as specified, in one crossing or several", () => {
  const random = new Random(SEED + 5);
  const keys = Uint8Array.from({ length: 3 << 20 }, () => random.nextUint32());
  const keyEnds = new Uint32Array(500);
  for (let i = 1; i < 400; i++) keyEnds[i] = (keyEnds[i - 1] as number) + random.below(200);
  // The last hundred take megabytes, more than is hashed at a time.
  for (let i = 400; i < 500; i++) keyEnds[i] = (keyEnds[i - 1] as number) + random.below(40_000);
  keyEnds[499] = keys.length;
  const target = new Uint32Array(2000);
  hashRowKeys(TENANT, keys, keyEnds, 0, 250, target);
  hashRowKeys(TENANT, keys, keyEnds, 250, 500, target);
  for (let i = 0; i < 500; i += i < 400 ? 1 : 9) {
    const raw = keys.subarray(i === 0 ? 0 : keyEnds[i - 1], keyEnds[i]);
    // Long ones once are enough: the twin is slow.
    if (raw.length > 20_000 && i !== 499) continue;
    assert.deepEqual(
      target.slice(4 * i, 4 * i + 4),
      hashSeriesTwin(processHashKey, DOMAIN_ROWS, TENANT, raw),
      `row ${i}`,
    );
  }
});
