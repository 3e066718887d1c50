/** Groups series as they come: no more than one state a group and one column for the series at hand exist at any time. */
import type { Labels } from "../../base/labels.ts";
import { outColumn } from "../../kernel/rollup.ts";
import type { AggregateExpr } from "../../metricsql/ast.ts";
import { POINTWISE } from "../cache/functions.ts";
import type { QueryRun } from "../context.ts";
import type { RollupSink, SinkParts } from "../rollup/eval-rollup.ts";
import type { Series } from "../series.ts";
import { ColumnPacker, columnsOf, labelsIn, type PackedColumns } from "../shares/share.ts";
import type { Accumulator } from "./accumulators.ts";
import { Grouping } from "./grouping.ts";

/** Columns that a group may take. */
const COLUMNS_A_GROUP = 3;

interface Group {
  readonly labels: Labels;
  readonly accumulator: Accumulator;
  /** Of its series' last samples the last. */
  lastMs: number;
}

export type GroupSinkExpr = Pick<AggregateExpr, "name" | "modifier" | "limit">;

export class GroupSink implements RollupSink {
  readonly keepsColumns = false;
  readonly title: string;
  readonly #points: number;
  readonly #scratch: Float64Array;
  readonly #groups = new Map<string, Group>();
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
  get parts(): SinkParts | null {
    const { name, modifier, limit } = this.#expr;
    if (limit > 0) return null;
    return {
      aggregate: { name, modifier },
      begin: () => new GroupSink(this.#points, this.#expr, this.#accumulate, this.#run),
      merge: (packed) => this.#merge(packed),
    };
  }

  /** Where the kernel's rollups leave their results, so that nothing is copied on the way to the group. */
  column(): Float64Array {
    return outColumn(this.#points) ?? this.#scratch;
  }

  accept(labels: Labels, column: Float64Array, lastMs: number): void {
    const group = this.#groupOf(labels);
    if (group === null) return;
    group.accumulator.add(column);
    if (lastMs > group.lastMs) group.lastMs = lastMs;
  }

  finish(): Series[] {
    return [...this.#groups.values()].map(({ labels, accumulator }) => ({ labels, values: accumulator.finish() }));
  }

  lastTimes(): readonly number[] {
    return [...this.#groups.values()].map(({ lastMs }) => lastMs);
  }

  get pointwise(): string | null {
    const { name, modifier, limit } = this.#expr;
    return limit === 0 && POINTWISE.has(name) ? JSON.stringify([name, modifier]) : null;
  }

  /** Ends it: what it has, for another sink. */
  pack(): PackedColumns {
    let packer: ColumnPacker | null = null;
    for (const { labels, accumulator } of this.#groups.values()) {
      const state = accumulator.state();
      packer ??= new ColumnPacker(this.#groups.size * state.length, this.#points);
      packer.add(labels, state);
    }
    return (packer ?? new ColumnPacker(0, this.#points)).finish();
  }

  /** Adds groups of series that come behind its own. */
  #merge(packed: PackedColumns): void {
    labelsIn(packed).forEach((labels, i, { length }) => {
      const columns = packed.columns.length / this.#points / length;
      this.#groupOf(labels)?.accumulator.merge(columnsOf(packed, i, columns, this.#points));
    });
  }

  /** Null if there are to be no more groups. */
  #groupOf(labels: Labels): Group | null {
    const key = this.#grouping.key(labels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { limit } = this.#expr;
      if (limit > 0 && this.#groups.size >= limit) return null;
      if ((this.#groups.size & 1023) === 0) {
        this.#run.reserveColumns(this.#groups.size * COLUMNS_A_GROUP, this.#points);
      }
      group = { labels: this.#grouping.labels(labels), accumulator: this.#accumulate(this.#points), lastMs: 0 };
      this.#groups.set(key, group);
    }
    return group;
  }
}
