/**
 * The names under which a family's samples stand. Two families whose sample names meet cannot be told apart by a parser:
 * beside a histogram `x`, a counter `x_count` reads as the histogram's own count, or as an error.
 */
import type { Family, FamilyType, Sample } from "./family.ts";

/** What the type itself lays hand on, whether or not such a sample is there. */
const OWN_SUFFIXES: Readonly<Record<FamilyType, readonly Sample["suffix"][]>> = {
  counter: [""],
  gauge: [""],
  unknown: [""],
  histogram: ["", "_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

/** All names that no other family may use beside this one in text format 0.0.4, each once. */
export function listSampleNames(family: Family): string[] {
  const suffixes = new Set<string>(OWN_SUFFIXES[family.type]);
  for (const sample of family.samples) suffixes.add(sample.suffix);
  return [...suffixes].map((suffix) => family.name + suffix);
}

/** `labels` without the `le`, `vmrange` or `quantile` at its end: equal for all samples of one series of a family. */
export function stripOwnLabel(labels: string): string {
  const start = findOwnLabel(labels);
  return start < 0 ? labels : labels.slice(0, Math.max(start - 1, 0));
}

/**
 * Where a `le`, `vmrange` or `quantile` begins that ends `labels`; -1 if there is none. No value can fake one: the last quote but one
 * opens the last value, or else is escaped and has a backslash before it, not a name and `=`.
 */
export function findOwnLabel(labels: string): number {
  const quote = labels.lastIndexOf('"', labels.length - 2);
  for (const name of OWN_LABELS) {
    const start = quote - name.length;
    if (start >= 0 && (start === 0 || labels[start - 1] === ",") && labels.startsWith(name, start)) return start;
  }
  return -1;
}

const OWN_LABELS: readonly string[] = ["le=", "vmrange=", "quantile="];
