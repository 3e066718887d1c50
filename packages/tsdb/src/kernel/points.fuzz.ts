/**
 * Points of every kind of double put through kernels/points.ts and through its twin, which must agree on every byte.
 *
 *     npm run fuzz -- points --seconds=600
 */
import assert from "node:assert/strict";
import { Random } from "../base/random.ts";
import { linesPerPrint, POINTS_MAX, printLines, printPoints, printTimestamps, printValues } from "./points.ts";
import {
  type LineShape,
  printLinesTwin,
  printPointsTwin,
  printTimestampsTwin,
  printValuesTwin,
} from "./points-twin.ts";

const word = new DataView(new ArrayBuffer(8));
const timestamps = new Float64Array(POINTS_MAX);
const values = new Float64Array(POINTS_MAX);

/** One column of POINTS_MAX points. */
export function fuzz(seed: number): void {
  const random = new Random(seed);
  for (let i = 0; i < POINTS_MAX; i++) {
    timestamps[i] = randomTimestamp(random);
    values[i] = randomValue(random);
  }
  comparePoints(timestamps, values);
  compareTexts(printValues(values, 0, POINTS_MAX), printValuesTwin(values, 0, POINTS_MAX), ",");
  compareTexts(printTimestamps(timestamps, 0, POINTS_MAX), printTimestampsTwin(timestamps, 0, POINTS_MAX), ",");
  const text = (): Uint8Array =>
    Uint8Array.from({ length: random.below(random.pick([4, 40, 1300])) }, () => random.below(255) + 1);
  const shape: LineShape = {
    texts: [text(), text(), Buffer.concat([text(), Buffer.from("\n\0")])],
    isTimeFirst: random.chance(0.5),
    unit: random.pick(["ms", "s", "ns"] as const),
  };
  const count = linesPerPrint(shape);
  for (let i = 0; i < count; i++) timestamps[i] = Math.trunc(timestamps[i]) % 2 ** 53 || 0;
  compareTexts(
    printLines(timestamps, values, 0, count, shape),
    printLinesTwin(timestamps, values, 0, count, shape),
    "\n\0",
  );
}

/** The first piece that differs is shown. */
function compareTexts(bytes: Uint8Array, wanted: string, separator: string): void {
  const text = Buffer.from(bytes).toString("latin1");
  if (text === wanted) return;
  const pieces = text.split(separator);
  const wantedPieces = wanted.split(separator);
  const at = wantedPieces.findIndex((piece, i) => piece !== pieces[i]);
  assert.equal(pieces[at], wantedPieces[at], `piece ${at}`);
  assert.equal(pieces.length, wantedPieces.length);
}

/** Both print these, at most POINTS_MAX of them. */
export function comparePoints(timestamps: Float64Array, values: Float64Array): void {
  const text = Buffer.from(printPoints(timestamps, values, 0, values.length)).toString("latin1");
  const wanted = printPointsTwin(timestamps, values, 0, values.length);
  // Told apart here first: a failing assert.equal() takes long to draw the difference of such lines.
  if (text === wanted) return;
  const points = text.split("],");
  const wantedPoints = wanted.split("],");
  const at = wantedPoints.findIndex((point, i) => point !== points[i]);
  assert.equal(points[at], wantedPoints[at], `point ${at}: ${timestamps[at]} ms, ${values[at]}`);
  assert.equal(points.length, wantedPoints.length);
}

/** The double `steps` floats away from a `value` above 0. */
export function neighbour(value: number, steps: number): number {
  word.setFloat64(0, value);
  word.setBigInt64(0, word.getBigInt64(0) + BigInt(steps));
  return word.getFloat64(0);
}

function randomTimestamp(random: Random): number {
  if (random.chance(0.9)) return 1_600_000_000_000 + random.below(2 ** 32) * 100 + random.below(100);
  if (random.chance(0.5)) return random.below(1e6);
  return random.chance(0.5) ? Math.floor(random.next() * 2e15) * random.pick([1, -1]) : randomValue(random);
}

/** Any bits mostly; else what is printed otherwise than its neighbours. */
function randomValue(random: Random): number {
  const sign = random.pick([1, -1]);
  switch (random.below(16)) {
    case 0:
      return sign * neighbour(2 ** (random.below(2046) - 1022), random.below(5) - 2);
    case 1:
      return sign * neighbour(Number(`1e${random.below(616) - 307}`), random.below(5) - 2);
    case 2:
      return sign * random.below(2 ** 32) * 10 ** -random.below(12);
    case 3:
      return sign * Number(`${random.below(10 ** (1 + random.below(9)))}e${random.below(600) - 310}`);
    case 4:
      return sign * (2 ** 53 + random.below(2 ** 22) * 2 ** random.below(12) - 2 ** random.below(34));
    case 5:
      return sign * (random.nextUint32() * 2 ** 21 + random.below(2 ** 21)) * random.pick([1, 0.5, 0.001, 1e-10]);
    case 6:
      return sign * 5e-324 * Math.floor(2 ** (random.next() * 52));
    case 7:
      return sign * Math.floor(10 ** (random.next() * 16));
    default:
      word.setUint32(0, random.nextUint32());
      word.setUint32(4, random.nextUint32());
      return word.getFloat64(0);
  }
}
