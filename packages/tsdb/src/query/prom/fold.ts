/** Aggregations with a state a group: series are added and forgotten, and such of parts of the series can be put together. */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import { ColumnPacker, columnsOf, labelsIn } from "../shares/share.ts";
import type { Accumulator } from "./accumulators.ts";
import type { PromContext } from "./context.ts";
import { Groups } from "./grouping.ts";
import { type Presence, PresenceUnion } from "./presence.ts";
import type { PackingSink, SeriesSinkParts } from "./series-sink.ts";
import type { PackedSeries } from "./sharing.ts";
import type { AggregateFunction, Aggregation } from "./tables.ts";
import type { PromSeries } from "./value.ts";

/** Columns a group's state may take: what is asked for as groups appear. */
const COLUMNS_A_GROUP = 3;

type State = new (points: number) => Accumulator;

export function fold(State: State): AggregateFunction {
  return (context, node) => new Fold(context, node, State);
}

interface FoldedGroup {
  readonly labels: Labels;
  readonly accumulator: Accumulator;
  readonly present: PresenceUnion;
}

class Fold implements Aggregation, PackingSink {
  readonly keepsColumns = false;
  readonly onlyReads = true;
  readonly #node: PromAggregate;
  readonly #context: PromContext;
  readonly #State: State;
  readonly #groups: Groups<FoldedGroup>;

  constructor(context: PromContext, node: PromAggregate, State: State) {
    const { run, points } = context.grid;
    this.#node = node;
    this.#context = context;
    this.#State = State;
    this.#groups = new Groups(node, (labels) => {
      run.reserveColumns((this.#groups.size + 1) * COLUMNS_A_GROUP, points);
      return { labels, accumulator: new State(points), present: new PresenceUnion() };
    });
  }

  get parts(): SeriesSinkParts {
    const { op, isWithout, grouping } = this.#node;
    return {
      aggregate: { op, isWithout, grouping },
      begin: () => new Fold(this.#context, this.#node, this.#State),
      merge: (packed) => this.#merge(packed),
    };
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    const group = this.#groups.of(labels);
    group.accumulator.add(values, present);
    group.present.add(present);
    return false;
  }

  async finish(): Promise<PromSeries[]> {
    const list: PromSeries[] = [];
    for (const { labels, accumulator, present } of this.#groups.all()) {
      list.push({ labels, values: accumulator.finish(), present: present.mask });
    }
    return list;
  }

  pack(): PackedSeries {
    const { points } = this.#context.grid;
    let packer: ColumnPacker | null = null;
    const masks: Presence[] = [];
    for (const { labels, accumulator, present } of this.#groups.all()) {
      const state = accumulator.state();
      packer ??= new ColumnPacker(this.#groups.size * state.length, points);
      packer.add(labels, state);
      masks.push(present.mask);
    }
    return { ...(packer ?? new ColumnPacker(0, points)).finish(), masks };
  }

  #merge(packed: PackedSeries): void {
    const { points } = this.#context.grid;
    labelsIn(packed).forEach((labels, i, { length }) => {
      const group = this.#groups.of(labels);
      group.accumulator.merge(columnsOf(packed, i, packed.columns.length / points / length, points));
      group.present.add(packed.masks[i]);
    });
  }
}
