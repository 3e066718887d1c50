/**
 * Which series of the left side meets which of the right: by equal labels, the name apart, all of them or those that `on` and
 * `ignoring` leave.
 */
import { Labels } from "../../base/labels.ts";
import type { BinaryExpr } from "../../metricsql/ast.ts";
import type { QueryRun } from "../context.ts";
import { dropLabels, keepLabels, labelsKey, withLabel, withoutName } from "../label-edit.ts";
import type { Series } from "../series.ts";

/** Reads matching labels off series; one a binary expression. */
export class Matcher {
  readonly #isOn: boolean;
  readonly #listed: ReadonlySet<string>;
  /** What `on` leaves of a result: its labels, and the name where the operator keeps names. */
  readonly #kept: ReadonlySet<string>;
  readonly #keepsName: boolean;

  constructor(expr: BinaryExpr) {
    this.#isOn = expr.matching?.op === "on";
    this.#listed = new Set(expr.matching?.labels ?? []);
    this.#keepsName = expr.keepMetricNames;
    this.#kept = this.#keepsName ? new Set([...this.#listed, "__name__"]) : this.#listed;
  }

  /** Labels of a one-to-one result. A name among them survives only where the operator keeps names. */
  matched(labels: Labels): Labels {
    return this.#isOn ? keepLabels(labels, this.#kept) : dropLabels(labels, this.#listed);
  }

  /** Equal for series that match. */
  key(labels: Labels): string {
    const compared = this.#keepsName ? labels : withoutName(labels);
    return labelsKey(this.#isOn ? keepLabels(compared, this.#listed) : dropLabels(compared, this.#listed));
  }

  /** Series by key, keys in order of appearance. */
  async group(run: QueryRun, list: readonly Series[]): Promise<Map<string, Series[]>> {
    const groups = new Map<string, Series[]>();
    for (const series of list) {
      if (run.isDue()) await run.breathe();
      const key = this.key(series.labels);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [series]);
      else group.push(series);
    }
    return groups;
  }
}

/** Names and values of so many labels are set one by one: with more it would take their square. */
const FEW_PAIRS = 64;

/** Labels for a "many" side's series that takes `join.labels` from its "one" side's. A label missing there goes. */
export function joinLabels(expr: BinaryExpr, many: Labels, one: Labels): Labels {
  const { join, matching } = expr;
  if (join === null) return many;
  let labels = many;
  if (join.isAll) {
    const skipped = new Set(matching?.op === "on" ? matching.labels : []);
    if (one.pairs.length > FEW_PAIRS) {
      const entries = new Map(many.entries());
      for (const [label, value] of one.entries()) {
        if (label !== "__name__" && !skipped.has(label)) entries.set(join.prefix + label, value);
      }
      return Labels.from(entries);
    }
    for (let i = 0; i < one.pairs.length; i += 2) {
      const label = one.pairs[i] as string;
      if (!skipped.has(label)) labels = withLabel(labels, join.prefix + label, one.pairs[i + 1] as string);
    }
    return labels;
  }
  for (const label of join.labels) {
    // Labels of `on` are equal on both sides already.
    if (matching?.op === "on" && matching.labels.includes(label)) continue;
    labels = withLabel(labels, join.prefix + label, one.get(label));
  }
  return labels;
}

/**
 * Makes one series of two that hardly overlap, as when a restarted process changes a label that is not matched on. Answers false,
 * having changed nothing, if they share more than two points or are too short to tell (instant queries).
 */
export function mergeApart(target: Series, source: Series): boolean {
  const { length } = target.values;
  if (length <= 2) return false;
  let shared = 0;
  for (let k = 0; k < length; k++) {
    if (!Number.isNaN(source.values[k]) && !Number.isNaN(target.values[k])) shared++;
  }
  if (shared > 2) return false;
  for (let k = 0; k < length; k++) {
    const v = source.values[k] as number;
    if (v === v) target.values[k] = v;
  }
  return true;
}
