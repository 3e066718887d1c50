/** What the `texts` kernel computes, written for reading. */
import type { Texts } from "../base/texts.ts";

/** Texts `[lo, hi)` as strings of JSON, comma between; null if one has a byte that is not itself in one (ASCII but for `"`, `'`, `<`, `\`). */
export function printTextsTwin(texts: Texts, lo: number, hi: number): string | null {
  const strings = Array.from({ length: hi - lo }, (_, i) => Buffer.from(textAt(texts, lo + i)).toString("latin1"));
  return strings.every((text) => /^[ !#-&(-;=-[\]-~]*$/.test(text)) ? strings.map((text) => `"${text}"`).join() : null;
}

/** All texts of sorted runs in order of their bytes, each once; the first `limit` of them, 0 for all. */
export function mergeTextsTwin(runs: readonly Texts[], limit: number): Buffer[] {
  const all = runs.flatMap((run) => Array.from({ length: run.count }, (_, i) => Buffer.from(textAt(run, i))));
  const sorted = all.sort(Buffer.compare).filter((text, i) => i === 0 || !text.equals(all[i - 1] as Buffer));
  return limit > 0 ? sorted.slice(0, limit) : sorted;
}

export function textAt({ bytes, ends }: Texts, i: number): Uint8Array {
  return bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]);
}
