/**
 * Nanoseconds a point of printing columns as JSON, by kind of value: the kernel beside its twin.
 *
 *     node packages/tsdb/dist/kernel/points.bench.js [points] [rounds]
 *
 * Columns are seeded; the checksum of all bytes is printed, so that two runs can be told to have done the same work.
 */
import { Random } from "../base/random.ts";
import { crc32c } from "./crc.ts";
import { POINTS_MAX, printPoints } from "./points.ts";
import { printPointsTwin } from "./points-twin.ts";

const count = Number(process.argv[2] ?? 48 * POINTS_MAX);
const rounds = Number(process.argv[3] ?? 20);
const random = new Random(7);
let checksum = 0;

const KINDS: Record<string, () => number> = {
  "whole, 1 to 5 digits": () => random.below(10 ** (1 + random.below(5))),
  "whole, up to 2^53": () => random.nextUint32() * 2 ** 21 + random.below(2 ** 21),
  "3 decimals": () => random.below(1e7) / 1000,
  "17 digits": () => (random.nextUint32() + random.next()) * 10 ** -random.below(12),
  "below 1e-300": () => random.next() * 1e-300,
};

console.log("ns a point                      kernel    twin");
for (const [name, next] of Object.entries(KINDS)) measure(name, next, (i) => i % POINTS_MAX);
measure("3 decimals, times of its own", KINDS["3 decimals"] as () => number, (i) => i);

/** @param row in which scrape point `i` was taken: the columns of an answer have theirs in common */
function measure(name: string, next: () => number, row: (i: number) => number): void {
  const timestamps = Float64Array.from({ length: count }, (_, i) => 1_700_000_000_123 + row(i) * 15_000);
  const values = Float64Array.from({ length: count }, next);
  const kernelNs = best((lo, hi) => {
    const bytes = printPoints(timestamps, values, lo, hi);
    return bytes[bytes.length - 3];
  });
  const twinNs = best((lo, hi) => printPointsTwin(timestamps, values, lo, hi).length);
  for (let lo = 0; lo < count; lo += POINTS_MAX) {
    const bytes = printPoints(timestamps, values, lo, Math.min(lo + POINTS_MAX, count));
    checksum = crc32c(bytes, 0, bytes.length, checksum);
  }
  console.log(`${name.padEnd(30)}${kernelNs.toFixed(1).padStart(8)}${twinNs.toFixed(1).padStart(8)}`);
}
console.log(`checksum ${checksum.toString(16)}`);

/** Of the quickest round, in ns a point. */
function best(print: (lo: number, hi: number) => number): number {
  let ms = Infinity;
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    for (let lo = 0; lo < count; lo += POINTS_MAX) checksum ^= print(lo, Math.min(lo + POINTS_MAX, count)) & 0;
    ms = Math.min(ms, performance.now() - startMs);
  }
  return (ms * 1e6) / count;
}
