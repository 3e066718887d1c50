/** Groups series as they come: no more than one state a group and one column for the series at hand exist at any time. */
import type { Labels } from "../../base/labels.ts";
import { outColumn } from "../../kernel/rollup.ts";
import type { AggregateExpr } from "../../metricsql/ast.ts";
import type { QueryRun } from "../context.ts";
import type { RollupSink } from "../rollup/eval-rollup.ts";
import type { Series } from "../series.ts";
import { GroupPacker, labelsOf, type PackedGroups, type PlainLabels, stateOf } from "../shares/share.ts";
import type { Accumulator } from "./accumulators.ts";
import { Grouping } from "./grouping.ts";

/** Columns that a group may take. */
const COLUMNS_A_GROUP = 3;

export type GroupSinkExpr = Pick<AggregateExpr, "name" | "modifier" | "limit">;

export class GroupSink implements RollupSink {
  readonly keepsColumns = false;
  readonly title: string;
  readonly #points: number;
  readonly #scratch: Float64Array;
  readonly #groups = new Map<string, { labels: Labels; accumulator: Accumulator }>();
  readonly #grouping: Grouping;
  readonly #expr: GroupSinkExpr;
  readonly #accumulate: (points: number) => Accumulator;
  readonly #run: QueryRun;

  constructor(points: number, expr: GroupSinkExpr, accumulate: (points: number) => Accumulator, run: QueryRun) {
    this.#points = points;
    this.#scratch = new Float64Array(points);
    this.#grouping = new Grouping(expr.modifier);
    this.#expr = expr;
    this.title = `${expr.name}()`;
    this.#accumulate = accumulate;
    this.#run = run;
  }

  /** Null where the first groups are to be kept: which they are shows only when series come one by one. */
  get aggregate(): { name: string; modifier: AggregateExpr["modifier"] } | null {
    const { name, modifier, limit } = this.#expr;
    return limit > 0 ? null : { name, modifier };
  }

  /** Where the kernel's rollups leave their results, so that nothing is copied on the way to the group. */
  column(): Float64Array {
    return outColumn(this.#points) ?? this.#scratch;
  }

  accept(labels: Labels, column: Float64Array): void {
    this.#accumulatorOf(labels)?.add(column);
  }

  finish(): Series[] {
    return [...this.#groups.values()].map(({ labels, accumulator }) => ({ labels, values: accumulator.finish() }));
  }

  /** A sink for some of the series, to be merged. */
  part(): GroupSink {
    return new GroupSink(this.#points, this.#expr, this.#accumulate, this.#run);
  }

  /** Ends it: what it has, for another sink. */
  pack(): PackedGroups {
    const packer = new GroupPacker(this.#groups.size);
    for (const { labels, accumulator } of this.#groups.values()) packer.add(labels, accumulator.state());
    return packer.finish();
  }

  /** Adds groups of series that come behind its own. */
  merge(packed: PackedGroups): void {
    for (let i = 0; i < packed.labels.length; i++) {
      const labels = labelsOf(packed.labels[i] as PlainLabels);
      this.#accumulatorOf(labels)?.merge(stateOf(packed, i, this.#points));
    }
  }

  /** Null if there are to be no more groups. */
  #accumulatorOf(labels: Labels): Accumulator | null {
    const key = this.#grouping.key(labels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { limit } = this.#expr;
      if (limit > 0 && this.#groups.size >= limit) return null;
      if ((this.#groups.size & 1023) === 0) {
        this.#run.reserveColumns(this.#groups.size * COLUMNS_A_GROUP, this.#points);
      }
      group = { labels: this.#grouping.labels(labels), accumulator: this.#accumulate(this.#points) };
      this.#groups.set(key, group);
    }
    return group.accumulator;
  }
}
