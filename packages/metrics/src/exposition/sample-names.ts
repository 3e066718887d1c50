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
  const match = OWN_LABEL.exec(labels);
  return match === null ? labels : labels.slice(0, match.index);
}

/**
 * `le`, `vmrange` or `quantile`, last. No value can fake it: a quote inside a value is escaped, so a match that began inside a value
 * would end at the value's own closing quote, and that is not the text's end.
 */
export const OWN_LABEL: RegExp = /(?:^|,)(le|vmrange|quantile)="([^"\\]*)"$/;
