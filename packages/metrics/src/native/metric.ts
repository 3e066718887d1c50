import type { FamilyType, Sample } from "../exposition/family.ts";

/** What a set asks of each kind of metric: one series, or the few that make up a histogram or summary. */
export interface Metric {
  /** `a="b",c="d"`: sorted by label name, values escaped; "" without labels. */
  readonly labels: string;
  /** Appends its samples. Never throws; false if the value could not be had. */
  collect(samples: Sample[]): boolean;
}

/** What all series of one family have in common: their family's type, and the label they write themselves. */
export interface MetricKind {
  /** As errors call it. */
  readonly title: string;
  readonly type: FamilyType;
  /** What no series may be labelled with, because lines of histograms and summaries are. */
  readonly ownLabels: readonly string[];
}

/** All three, also for those that write one of them: a reader who sees one does not ask by whom it was written. */
const OWN_LABELS: readonly string[] = ["le", "vmrange", "quantile"];

/** Counters of whole things and of fractions are one kind: they may share a family. The two histograms may not. */
export const metricKinds: {
  readonly [kind in "counter" | "gauge" | "histogram" | "prometheusHistogram" | "summary"]: MetricKind;
} = {
  counter: { title: "counter", type: "counter", ownLabels: [] },
  gauge: { title: "gauge", type: "gauge", ownLabels: [] },
  histogram: { title: "vmrange histogram", type: "histogram", ownLabels: OWN_LABELS },
  prometheusHistogram: { title: "le histogram", type: "histogram", ownLabels: OWN_LABELS },
  summary: { title: "summary", type: "summary", ownLabels: OWN_LABELS },
};

/** Seconds from `startMs`, a reading of performance.now(), till now; NaN, which no metric counts, if it is no number (a BigInt of hrtime). */
export function secondsSince(startMs: number): number {
  return typeof startMs === "number" ? (performance.now() - startMs) / 1000 : Number.NaN;
}
