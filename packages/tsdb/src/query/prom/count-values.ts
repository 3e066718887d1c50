/** count_values: how many series of a group have each value, as one series a value with the value in a label. */
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import { formatFloat } from "../../base/number-format.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import { dropLabels, withLabel } from "../label-edit.ts";
import type { PromContext } from "./context.ts";
import { Groups } from "./grouping.ts";
import { isLabelName, quote } from "./label-text.ts";
import { stringParam } from "./parameters.ts";
import type { Presence } from "./presence.ts";
import type { AggregateFunction, Aggregation } from "./tables.ts";
import type { PromSeries } from "./value.ts";

/**
 * The label takes the place of one the series have already; `without (label)` drops it again. Values are written as VictoriaMetrics
 * and Prometheus write them everywhere: shortest digits, no exponent.
 * @throws InputError 422 for an impossible label, and for more series than `-search.maxSeriesPerAggrFunc`.
 */
export const countValues: AggregateFunction = (context, node, param) => {
  const label = stringParam(param);
  if (!isLabelName(label)) throw new InputError(`invalid label name ${quote(label)}`, 422);
  return new CountValues(context, node, label);
};

class CountValues implements Aggregation {
  readonly keepsColumns = false;
  readonly #listed: ReadonlySet<string>;
  readonly #groups: Groups<ValueCounts>;
  readonly #results: PromSeries[] = [];

  constructor(context: PromContext, node: PromAggregate, label: string) {
    const isDropped = node.isWithout && (label === "__name__" || node.grouping.includes(label));
    this.#listed = new Set([label]);
    this.#groups = new Groups(
      node,
      (labels) => new ValueCounts(context, labels, isDropped ? null : label, this.#results),
    );
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    this.#groups.of(dropLabels(labels, this.#listed)).add(values, present);
    return false;
  }

  async finish(): Promise<PromSeries[]> {
    return this.#results;
  }
}

class ValueCounts {
  readonly #context: PromContext;
  readonly #labels: Labels;
  readonly #label: string | null;
  readonly #results: PromSeries[];
  readonly #byValue = new Map<number, Counted>();
  #negativeZero: Counted | null = null;

  /** Adds the series it makes to `results`. */
  constructor(context: PromContext, labels: Labels, label: string | null, results: PromSeries[]) {
    this.#context = context;
    this.#labels = labels;
    this.#label = label;
    this.#results = results;
  }

  add(values: Float64Array, present: Presence): void {
    for (let k = 0; k < values.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const counted = this.#counted(values[k]);
      counted.values[k]++;
      counted.present[k] = 1;
    }
  }

  #counted(value: number): Counted {
    // A Map does not tell the zeros apart; their labels do. Without the label all values are one.
    const key = this.#label === null ? 0 : value;
    const isNegativeZero = key === 0 && 1 / key < 0;
    const known = isNegativeZero ? this.#negativeZero : this.#byValue.get(key);
    if (known !== null && known !== undefined) return known;
    const made = this.#make(value);
    if (isNegativeZero) this.#negativeZero = made;
    else this.#byValue.set(key, made);
    return made;
  }

  #make(value: number): Counted {
    const { run, points } = this.#context.grid;
    const most = run.limits.maxSeriesPerAggrFunc;
    if (this.#results.length >= most) {
      throw new InputError(`count_values: makes more than -search.maxSeriesPerAggrFunc=${most} series`, 422);
    }
    run.reserveColumns(this.#results.length + 1, points);
    const labels = this.#label === null ? this.#labels : withLabel(this.#labels, this.#label, formatFloat(value));
    const made = { labels, values: new Float64Array(points), present: new Uint8Array(points) };
    this.#results.push(made);
    return made;
  }
}

interface Counted extends PromSeries {
  readonly present: Uint8Array;
}
