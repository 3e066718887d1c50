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
  /** The label its own lines carry; "" if none. */
  readonly ownLabel: string;
}

/** Counters of whole things and of fractions are one kind: they may share a family. The two histograms may not. */
export const metricKinds: {
  readonly [kind in "counter" | "gauge" | "histogram" | "prometheusHistogram" | "summary"]: MetricKind;
} = {
  counter: { title: "counter", type: "counter", ownLabel: "" },
  gauge: { title: "gauge", type: "gauge", ownLabel: "" },
  histogram: { title: "vmrange histogram", type: "histogram", ownLabel: "vmrange" },
  prometheusHistogram: { title: "le histogram", type: "histogram", ownLabel: "le" },
  summary: { title: "summary", type: "summary", ownLabel: "quantile" },
};
