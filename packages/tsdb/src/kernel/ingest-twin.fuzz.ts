/**
 * Requests and snappy blocks, well-formed and spoilt, put through kernels/ingest.ts and through its twin, which must
 * agree on every column and on every fault and its byte.
 *
 *     npm run fuzz -- ingest-twin --seconds=600
 */
import assert from "node:assert/strict";
import { Random } from "../base/random.ts";
import type { Tenant } from "../base/tenant.ts";
import { DOMAIN_REMOTE_WRITE, IngestKernel } from "./ingest-kernel.ts";
import { hashSeriesTwin, parseRemoteWriteTwin, type TwinRequest, unsnappyTwin } from "./ingest-twin.ts";
import { type WireFault, WireFaultError } from "./wire-fault.ts";

const KEY = Uint32Array.of(0x12345678, 0x9abcdef0, 0x0fedcba9, 0x87654321);
const TENANT: Tenant = { accountId: 7, projectId: 0xffffffff };
const MAX_BYTES = 1 << 20;

const kernel = new IngestKernel(KEY);

/** One input of each kind. */
export function fuzz(seed: number): void {
  const random = new Random(seed);
  compareParse(randomRequest(random));
  compareParse(mutate(random, randomRequest(random)));
  compareUnsnappy(randomBlock(random));
  compareUnsnappy(mutate(random, randomBlock(random)));
  const bytes = Uint8Array.from(noise(random, random.below(60)));
  compareParse(bytes);
  compareUnsnappy(bytes);
}

/** Both parse `bytes`; returns the fault they agree on. */
export function compareParse(bytes: Uint8Array): WireFault | undefined {
  const context = () => `request ${Buffer.from(bytes).toString("hex")}`;
  let wanted: TwinRequest | undefined;
  const fault = catchFault(() => {
    wanted = parseRemoteWriteTwin(bytes);
  });
  const kernelFault = catchFault(() => {
    kernel.load(bytes, false, MAX_BYTES);
    kernel.parse(TENANT);
  });
  assert.deepEqual(kernelFault, fault, context());
  if (wanted === undefined) return fault;
  const { series, metadata } = wanted;
  const memory = kernel.bytes;
  assert.equal(kernel.seriesCount, series.length, context());
  assert.equal(kernel.exemplarCount, wanted.exemplarCount, context());
  assert.equal(kernel.histogramCount, wanted.histogramCount, context());
  assert.equal(kernel.unnamedSampleCount, wanted.unnamedSampleCount, context());
  assert.deepEqual(
    [...kernel.timestamps],
    series.flatMap((one) => one.timestamps),
    context(),
  );
  const { values } = kernel;
  const valueBytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  assert.deepEqual(
    [...valueBytes],
    series.flatMap((one) => one.values.flatMap((value) => [...value])),
    context(),
  );
  const { hashes, labelRanges, sampleEnds, metadataRanges } = kernel;
  let end = 0;
  for (let i = 0; i < series.length; i++) {
    const { raw, timestamps } = series[i] as TwinRequest["series"][number];
    end += timestamps.length;
    assert.equal(sampleEnds[i], end, context());
    assert.deepEqual(memory.slice(labelRanges[2 * i], labelRanges[2 * i + 1]), raw, context());
    assert.deepEqual(hashes.slice(4 * i, 4 * i + 4), hashSeriesTwin(KEY, DOMAIN_REMOTE_WRITE, TENANT, raw), context());
  }
  assert.equal(kernel.metadataCount, metadata.length, context());
  for (let i = 0; i < metadata.length; i++) {
    const range = memory.slice(metadataRanges[2 * i], metadataRanges[2 * i + 1]);
    assert.deepEqual(range, metadata[i]?.slice(), context());
  }
  return undefined;
}

/** Both unpack `block`, unless it declares more than the test wants to see unpacked. */
export function compareUnsnappy(block: Uint8Array): WireFault | undefined {
  const context = () => `block ${Buffer.from(block).toString("hex")}`;
  let wanted: Uint8Array | undefined;
  let raw: Uint8Array | undefined;
  const fault = catchFault(() => {
    wanted = unsnappyTwin(block);
  });
  let wasRefused = false;
  const kernelFault = catchFault(() => {
    try {
      const length = kernel.load(block, true, MAX_BYTES);
      raw = kernel.raw.slice(0, length);
    } catch (error) {
      if (error instanceof WireFaultError) throw error;
      wasRefused = true;
    }
  });
  if (wasRefused) {
    // Refused for what it declares: then the twin, which does not look ahead, finds it broken all the same.
    assert.notEqual(fault, undefined, context());
    return undefined;
  }
  assert.deepEqual(kernelFault, fault, context());
  assert.deepEqual(raw, wanted, context());
  return fault;
}

function catchFault(run: () => void): WireFault | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof WireFaultError) return error.fault;
    throw error;
  }
}

// ---- generators ---------------------------------------------------------------------------------------------------

/** Mostly what senders write; now and then what only the format allows. */
export function randomRequest(random: Random): Uint8Array {
  const bytes: number[] = [];
  for (let i = random.below(4); i >= 0; i--) {
    const kind = random.next();
    if (kind < 0.1) bytes.push(...field(3, 2, random, randomMetadata(random)));
    else if (kind < 0.2) bytes.push(...unknownField(random));
    else bytes.push(...field(1, 2, random, randomSeries(random)));
  }
  return Uint8Array.from(bytes);
}

function randomSeries(random: Random): number[] {
  const parts: number[][] = [];
  for (let i = random.below(4); i > 0; i--) parts.push(field(1, 2, random, randomLabel(random)));
  for (let i = random.below(4); i > 0; i--) parts.push(field(2, 2, random, randomSample(random)));
  if (random.chance(0.15)) parts.push(field(3 + random.below(2), 2, random, noise(random, 5)));
  if (random.chance(0.1)) parts.push(unknownField(random));
  if (random.chance(0.2)) parts.sort(() => random.next() - 0.5);
  return parts.flat();
}

function randomLabel(random: Random): number[] {
  const length = () => (random.chance(0.05) ? 120 + random.below(20) : random.below(8));
  const parts = [field(1, 2, random, noise(random, length())), field(2, 2, random, noise(random, length()))];
  if (random.chance(0.05)) parts.pop();
  if (random.chance(0.05)) parts.reverse();
  if (random.chance(0.05)) parts.push(unknownField(random));
  if (random.chance(0.05)) parts.push(field(1, 2, random, noise(random, 3)));
  return parts.flat();
}

function randomSample(random: Random): number[] {
  const timestamp = random.chance(0.7)
    ? BigInt(1_700_000_000_000 + random.below(1e9))
    : BigInt.asUintN(64, BigInt(random.nextUint32()) ** 2n - (random.chance(0.5) ? 2n ** 53n : 0n)) >>
      BigInt(random.below(64));
  const parts = [
    [0x09, ...noise(random, 8)],
    [0x10, ...varint(timestamp, random)],
  ];
  if (random.chance(0.1)) parts.shift();
  if (random.chance(0.1)) parts.reverse();
  if (random.chance(0.05)) parts.push(unknownField(random));
  return parts.flat();
}

function randomMetadata(random: Random): number[] {
  const parts = [[0x08, random.below(8)], field(2, 2, random, noise(random, 5)), field(4, 2, random, noise(random, 5))];
  if (random.chance(0.2)) parts.push(unknownField(random));
  return parts.flat();
}

function unknownField(random: Random): number[] {
  const type = random.pick([0, 1, 2, 5]);
  const payload =
    type === 0 ? varint(BigInt(random.nextUint32()), random) : noise(random, type === 1 ? 8 : type === 5 ? 4 : 3);
  return field(6 + random.below(3000), type, random, payload);
}

function field(number: number, type: number, random: Random, payload: readonly number[]): number[] {
  const tag = varint(BigInt(number * 8 + type), random);
  return type === 2 ? [...tag, ...varint(BigInt(payload.length), random), ...payload] : [...tag, ...payload];
}

/** Now and then longer than need be, which the format allows. */
function varint(value: bigint, random: Random): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  if (random.chance(0.02)) {
    bytes[bytes.length - 1] = (bytes.at(-1) as number) | 0x80;
    bytes.push(0);
  }
  return bytes.slice(0, 10);
}

function noise(random: Random, length: number): number[] {
  return Array.from({ length }, () => random.below(256));
}

/** A block of all kinds of elements, with offsets of all distances. */
export function randomBlock(random: Random): Uint8Array {
  const elements: number[] = [];
  let unpacked = 0;
  for (let i = 1 + random.below(8); i > 0; i--) {
    if (unpacked === 0 || random.chance(0.4)) {
      const length = 1 + (random.chance(0.2) ? 50 + random.below(300) : random.below(30));
      const lengthBytes = length > 60 || random.chance(0.1) ? (length > 256 ? 2 : 1) + random.below(2) : 0;
      if (lengthBytes === 0) elements.push((length - 1) << 2);
      else {
        elements.push((59 + lengthBytes) << 2);
        for (let k = 0; k < lengthBytes; k++) elements.push(((length - 1) >> (8 * k)) & 0xff);
      }
      for (let k = 0; k < length; k++) elements.push(random.below(4));
      unpacked += length;
      continue;
    }
    const offset = 1 + random.below(random.chance(0.5) ? Math.min(unpacked, 20) : unpacked);
    const kind = offset < 2048 ? 1 + random.below(3) : 2 + random.below(2);
    const length = kind === 1 ? 4 + random.below(8) : 1 + random.below(64);
    if (kind === 1) elements.push(((offset >> 8) << 5) | ((length - 4) << 2) | 1, offset & 0xff);
    else elements.push(((length - 1) << 2) | kind, offset & 0xff, offset >> 8);
    if (kind === 3) elements.push(0, 0);
    unpacked += length;
  }
  return Uint8Array.from([...varint(BigInt(unpacked), random), ...elements]);
}

export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const mutated = [...bytes];
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(mutated.length + 1);
    const kind = random.below(5);
    if (kind === 0) mutated.splice(at, 1);
    else if (kind === 1) mutated.splice(at, 0, random.below(256));
    else if (kind === 2)
      mutated.splice(at, 0, ...new Array<number>(1 + random.below(11)).fill(0x80 | random.below(128)));
    else if (kind === 3) mutated[at] = random.pick([0, 0x0a, 0x12, 0x7f, 0x80, 0xff]);
    else mutated[at] = (mutated[at] ?? 0) ^ (1 << random.below(8));
  }
  return Uint8Array.from(mutated);
}
