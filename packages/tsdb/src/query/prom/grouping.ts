/** The groups of an aggregation: by the listed labels, or by all but the listed ones and the name. */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import { Grouping } from "../aggregate/grouping.ts";

/** What is known of each group, in order of appearance. A group begins with its first series. */
export class Groups<State> {
  readonly #grouping: Grouping;
  readonly #begin: (labels: Labels) => State;
  readonly #states = new Map<string, State>();

  /** @param begin makes the state of a new group; `labels` are those of its result. */
  constructor(node: PromAggregate, begin: (labels: Labels) => State) {
    this.#grouping = groupingOf(node.isWithout, node.grouping);
    this.#begin = begin;
  }

  get size(): number {
    return this.#states.size;
  }

  /** The state of the group that a series with these labels belongs to. */
  of(labels: Labels): State {
    const key = this.#grouping.key(labels);
    let state = this.#states.get(key);
    if (state === undefined) {
      state = this.#begin(this.#grouping.labels(labels));
      this.#states.set(key, state);
    }
    return state;
  }

  all(): Iterable<State> {
    return this.#states.values();
  }
}

export function groupingOf(isWithout: boolean, labels: readonly string[]): Grouping {
  return new Grouping({ op: isWithout ? "without" : "by", labels: [...labels] });
}
