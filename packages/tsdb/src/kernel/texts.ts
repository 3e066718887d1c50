/**
 * Lists of texts in one crossing: many sorted ones become one, and texts become JSON. A menu may ask for a hundred thousand values before JavaScript is optimized;
 * a kernel is quick from its first call on, and in the long run an answer takes half the time.
 */
import type { Texts } from "../base/texts.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface TextsExports extends KernelExports {
  textsMax(): number;
  textBytesMax(): number;
  textsAddress(): number;
  endsAddress(): number;
  printedAddress(): number;
  print(count: number): number;
  runsBytes(runCount: number): number;
  merge(runs: number, runCount: number, most: number, bytes: number, ends: number): number;
}

/** Most texts of one print. */
export const PRINTED_TEXTS_MAX = 1024;
/** Of the texts of one print. */
const TEXT_BYTES_MAX = 128 << 10;
/** What the kernel may read or overwrite behind a text. */
const SLACK_BYTES = 16;
/** An instance that has grown larger is not kept. */
const KEPT_BYTES_MAX = 16 << 20;

let loaded: Kernel<TextsExports> | null = null;

/**
 * Texts `[lo, hi)` as strings of JSON, comma between: `"host-1","host-10"`. Null if one of them has a byte that is not itself in such a string (no ASCII, or `"`, `'`, `<`,
 * `\`), or if they are longer than 128 KiB together. The bytes are the kernel's: copy them before the next call.
 *
 * @throws RangeError for more than PRINTED_TEXTS_MAX texts, or for texts that are not there
 */
export function printTexts({ bytes, count, ends }: Texts, lo: number, hi: number): Uint8Array | null {
  if (!(lo >= 0 && lo <= hi && hi <= count && hi - lo <= PRINTED_TEXTS_MAX)) {
    throw new RangeError(`print texts: want at most ${PRINTED_TEXTS_MAX} of ${count}, got [${lo}, ${hi})`);
  }
  const from = lo === 0 ? 0 : (ends[lo - 1] as number);
  const to = hi === 0 ? 0 : (ends[hi - 1] as number);
  if (to - from > TEXT_BYTES_MAX) return null;
  loaded ??= loadKernel<TextsExports>("texts");
  const { exports, memory } = loaded;
  memory.u8.set(bytes.subarray(from, to), exports.textsAddress());
  const own = memory.u32;
  const at = exports.endsAddress() >>> 2;
  for (let i = lo; i < hi; i++) own[at + i - lo] = (ends[i] as number) - from;
  const length = exports.print(hi - lo);
  const printed = exports.printedAddress();
  return length < 0 ? null : memory.u8.subarray(printed, printed + length);
}

/** All texts of the runs, each of which is in order of bytes and has each text once: in that order, each once; the first `limit` of them, 0 for all. */
export function mergeTexts(runs: readonly Texts[], limit: number): Texts {
  const wanted = runs.filter(({ count }) => count > 0);
  if (wanted.length === 0) return { bytes: new Uint8Array(0), ends: new Uint32Array(0), count: 0 };
  loaded ??= loadKernel<TextsExports>("texts");
  const { exports, memory } = loaded;
  let bytesSum = 0;
  let count = 0;
  for (const run of wanted) {
    bytesSum += bytesOf(run) + SLACK_BYTES;
    count += run.count;
  }
  // Descriptions, ends, merged ends; then bytes, merged bytes.
  const descriptions = memory.base;
  const ends = descriptions + exports.runsBytes(wanted.length);
  const mergedEnds = ends + 4 * count;
  const bytes = mergedEnds + 4 * count;
  const mergedBytes = bytes + bytesSum;
  memory.reserve(mergedBytes + bytesSum + SLACK_BYTES);
  let bytesAt = bytes;
  let endsAt = ends;
  for (const [i, run] of wanted.entries()) {
    memory.u32.set([bytesAt, endsAt, run.count], (descriptions >>> 2) + 3 * i);
    memory.u8.set(run.bytes.subarray(0, bytesOf(run)), bytesAt);
    memory.u32.set(run.ends.subarray(0, run.count), endsAt >>> 2);
    bytesAt += bytesOf(run) + SLACK_BYTES;
    endsAt += 4 * run.count;
  }
  const most = limit > 0 ? Math.min(limit, count) : count;
  const made = exports.merge(descriptions, wanted.length, most, mergedBytes, mergedEnds);
  const merged = memory.u32.slice(mergedEnds >>> 2, (mergedEnds >>> 2) + made);
  const length = merged[made - 1] as number;
  if (memory.byteLength > KEPT_BYTES_MAX) loaded = null;
  return { bytes: memory.u8.slice(mergedBytes, mergedBytes + length), ends: merged, count: made };
}

function bytesOf({ count, ends }: Texts): number {
  return ends[count - 1] as number;
}
