/** Which series of two vectors meet: those that agree in the labels of `on (…)`, or in all but those of `ignoring (…)`. */
import { BugError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { PromBinary } from "../../promql/ast.ts";
import type { QueryRun } from "../context.ts";
import { dropLabels, keepLabels, labelsKey } from "../label-edit.ts";
import { METADATA_LABELS } from "./label-sets.ts";
import type { PromSeries } from "./value.ts";

export type Matching = NonNullable<PromBinary["matching"]>;

export function matchingOf(node: PromBinary): Matching {
  if (node.matching === null) throw new BugError("an operator between vectors without a matching");
  return node.matching;
}

/** Indices into the two lists, ascending. */
export interface MatchGroup {
  readonly left: number[];
  readonly right: number[];
}

export class LabelMatcher {
  readonly #isOn: boolean;
  readonly #on: readonly string[];
  readonly #listed: ReadonlySet<string>;
  /** The listed labels, and what describes the metric (`dropMetadata`) when they are the ones left out. */
  readonly #compared: ReadonlySet<string>;

  constructor(matching: Matching) {
    this.#isOn = matching.isOn;
    this.#on = [...new Set(matching.labels)];
    this.#listed = new Set(matching.labels);
    this.#compared = matching.isOn ? this.#listed : new Set([...matching.labels, ...METADATA_LABELS]);
  }

  /** Groups in order of appearance, those of the left side first. */
  async group(run: QueryRun, left: readonly PromSeries[], right: readonly PromSeries[]): Promise<MatchGroup[]> {
    const groups = new Map<string, MatchGroup>();
    const groupOf = (labels: Labels): MatchGroup => {
      const key = this.key(labels);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { left: [], right: [] }));
      return group;
    };
    for (let i = 0; i < left.length; i++) {
      groupOf((left[i] as PromSeries).labels).left.push(i);
      if (run.isDue()) await run.breathe();
    }
    for (let i = 0; i < right.length; i++) {
      groupOf((right[i] as PromSeries).labels).right.push(i);
      if (run.isDue()) await run.breathe();
    }
    return [...groups.values()];
  }

  /** Equal for label sets that match. */
  key(labels: Labels): string {
    const on = this.#on;
    if (!this.#isOn) return labelsKey(this.matched(labels));
    if (on.length === 1) return labels.get(on[0] as string);
    let key = "";
    for (let i = 0; i < on.length; i++) {
      const value = labels.get(on[i] as string);
      key += `${value.length}:${value}`;
    }
    return key;
  }

  /** The labels that are compared: all that matching series are sure to have in common. */
  matched(labels: Labels): Labels {
    return this.#isOn ? keepLabels(labels, this.#compared) : dropLabels(labels, this.#compared);
  }

  /** What one-to-one matching leaves of a label set: like `matched`, but `ignoring` keeps the name. */
  result(labels: Labels): Labels {
    return this.#isOn ? keepLabels(labels, this.#listed) : dropLabels(labels, this.#listed);
  }
}
