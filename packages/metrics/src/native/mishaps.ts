/**
 * What went wrong quietly in one family. An update never throws, so a wrong one is ignored, and a label that cannot be
 * written as it came is corrected; both are counted here, and the set shows the counts:
 *
 *     metrics_ignored_updates_total{metric="orders_total",reason="negative"} 3
 *     metrics_label_corrections_total{metric="http_requests_total",reason="folded"} 120
 */
import type { Sample } from "../exposition/family.ts";
import { formatLabels } from "../exposition/labels.ts";

/**
 * Why an update was ignored:
 * `negative` for what only goes up; `fraction` for a counter of whole things; `infinite` for a counter;
 * `not_a_number` for NaN and what has another type; `has_callback` for a gauge whose value its callback tells.
 */
export type IgnoreReason = "negative" | "fraction" | "infinite" | "not_a_number" | "has_callback";

/**
 * Why labels were not taken as they came:
 * `cut` a value was too long; `folded` the family has as many series as it may; `shape_failed` a shape threw or returned no
 * string, `not_a_scalar` a value was an object, a function or a symbol: both became "other"; `unknown_label` a new series was asked for
 * with a label the family does not have, which was left out; `unreadable` reading the labels threw, the update went to the folded series.
 */
export type CorrectionReason = "cut" | "folded" | "shape_failed" | "not_a_scalar" | "unknown_label" | "unreadable";

export class Mishaps {
  readonly #metric: string;
  readonly #ignored = new Map<IgnoreReason, number>();
  readonly #corrected = new Map<CorrectionReason, number>();

  /** `metric` is the family's name. */
  constructor(metric: string) {
    this.#metric = metric;
  }

  /** Counts an update that was ignored because of its value: the reason is what is wrong with it. */
  ignoreValue(value: unknown): void {
    if (typeof value !== "number" || Number.isNaN(value)) this.ignore("not_a_number");
    else if (value < 0) this.ignore("negative");
    else this.ignore(value === Number.POSITIVE_INFINITY ? "infinite" : "fraction");
  }

  ignore(reason: IgnoreReason): void {
    this.#ignored.set(reason, (this.#ignored.get(reason) ?? 0) + 1);
  }

  correct(reason: CorrectionReason): void {
    this.#corrected.set(reason, (this.#corrected.get(reason) ?? 0) + 1);
  }

  collect(ignored: Sample[], corrected: Sample[]): void {
    for (const [reason, count] of this.#ignored) ignored.push(this.#sample(reason, count));
    for (const [reason, count] of this.#corrected) corrected.push(this.#sample(reason, count));
  }

  #sample(reason: string, value: number): Sample {
    const labels = formatLabels([
      ["metric", this.#metric],
      ["reason", reason],
    ]);
    return { suffix: "", labels, value };
  }
}
