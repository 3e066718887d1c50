/**
 * What a scrape shows, before any format is chosen. Everything that can be looked at says itself in these words (the native
 * client, the process's own metrics, OpenTelemetry's reader), and everything that shows it reads them (the text
 * formats, the sum over processes, the bridge to OTLP).
 *
 *     http_requests_total          Family: name, type, help, unit
 *       {method="GET"} 17          Sample: suffix, labels, value
 *       {method="PUT"} 2
 */

/** The words of a `# TYPE` line; "unknown" is `untyped` in the older format. */
export type FamilyType = "counter" | "gauge" | "histogram" | "summary" | "unknown";
export const FAMILY_TYPES: readonly FamilyType[] = ["counter", "gauge", "histogram", "summary", "unknown"];

/**
 * How the values of several processes become one: what can be added is added; `each` keeps a series a process,
 * told apart by the label `worker`.
 */
export type ProcessAggregation = "sum" | "min" | "max" | "avg" | "each";
export const AGGREGATIONS: readonly ProcessAggregation[] = ["sum", "min", "max", "avg", "each"];

/** All samples of one name, as a scrape shows them. */
export interface Family {
  /** As its samples are named, without their suffixes; a counter's name carries `_total` like its samples. */
  readonly name: string;
  readonly type: FamilyType;
  /** One sentence, unescaped; "" if there is none. */
  readonly help: string;
  /** Unit as OpenMetrics spells it (`seconds`, `bytes`); "" if it has none. Then the name ends with it. */
  readonly unit: string;
  readonly aggregation: ProcessAggregation;
  /** Those of one series together, buckets ascending, then sum, then count. */
  readonly samples: readonly Sample[];
}

/** One line of an exposition. */
export interface Sample {
  /** "", or a member of a histogram or summary: "_bucket", "_sum", "_count". */
  readonly suffix: "" | "_bucket" | "_sum" | "_count";
  /**
   * What stands between the braces, escaped: `a="b",c="d"`; "" without labels. Sorted by label name, but for `le`, `vmrange` or
   * `quantile`, which come last. Equal labels are equal texts: it may be used as a key.
   */
  readonly labels: string;
  readonly value: number;
}

export const SUFFIXES: readonly Sample["suffix"][] = ["", "_bucket", "_sum", "_count"];
