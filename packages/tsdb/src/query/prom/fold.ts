/** Aggregations with a state a group: series are added and forgotten, and such of parts of the series can be put together. */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import { GroupPacker, labelsOf, type PlainLabels, stateOf } from "../shares/share.ts";
import type { Accumulator } from "./accumulators.ts";
import type { PromContext } from "./context.ts";
import { Groups } from "./grouping.ts";
import { type Presence, PresenceUnion } from "./presence.ts";
import type { SeriesFold } from "./series-sink.ts";
import type { PackedFold } from "./sharing.ts";
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

class Fold implements Aggregation, SeriesFold {
  readonly keepsColumns = false;
  readonly node: PromAggregate;
  readonly #context: PromContext;
  readonly #State: State;
  readonly #groups: Groups<FoldedGroup>;

  constructor(context: PromContext, node: PromAggregate, State: State) {
    const { run, points } = context.grid;
    this.node = node;
    this.#context = context;
    this.#State = State;
    this.#groups = new Groups(node, (labels) => {
      run.reserveColumns((this.#groups.size + 1) * COLUMNS_A_GROUP, points);
      return { labels, accumulator: new State(points), present: new PresenceUnion() };
    });
  }

  get fold(): SeriesFold {
    return this;
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

  part(): Fold {
    return new Fold(this.#context, this.node, this.#State);
  }

  pack(): PackedFold {
    const packer = new GroupPacker(this.#groups.size);
    const masks: Presence[] = [];
    for (const { labels, accumulator, present } of this.#groups.all()) {
      packer.add(labels, accumulator.state());
      masks.push(present.mask);
    }
    return { groups: packer.finish(), masks };
  }

  merge({ groups, masks }: PackedFold): void {
    const { points } = this.#context.grid;
    for (let i = 0; i < masks.length; i++) {
      const group = this.#groups.of(labelsOf(groups.labels[i] as PlainLabels));
      group.accumulator.merge(stateOf(groups, i, points));
      group.present.add(masks[i]);
    }
  }
}
