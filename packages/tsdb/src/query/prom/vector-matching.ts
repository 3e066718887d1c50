/**
 * Arithmetic and comparisons between vectors: one-to-one, or many-to-one with `group_left` and `group_right`.
 *
 * Which series meet is settled once a match group; values are then computed a pair at a time. Prometheus looks at each point
 * by itself, so series that would be ambiguous together are fine as long as no point has both: all its errors are about points.
 *
 *   a{x="1"} 1 _ _      \  one column for the "one" side of the group, however many
 *   a{x="1",y="2"} _ 2 _ /  series it is made of:  1 2 _
 *
 * With `fill` a side that has no value at a point has the given one, provided the other side has a value there. `fill_left` stands in
 * for the "many" side under `group_right` too, as in Prometheus, although that is the right one then.
 */
import { BugError, InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { PromBinary } from "../../promql/ast.ts";
import { labelsKey, withLabel } from "../label-edit.ts";
import { sortPaced } from "../pace.ts";
import { ARITHMETIC, COMPARISONS, type ColumnComparison, type ColumnOperator } from "./column-operators.ts";
import type { PromContext } from "./context.ts";
import { dropMetadata, mergeSameLabels } from "./label-sets.ts";
import { labelSetText } from "./label-text.ts";
import { LabelMatcher, type MatchGroup, type Matching, matchingOf } from "./match-groups.ts";
import { addPresence, copyPresence, hasPoint, intersect, type Presence, subtract, unite } from "./presence.ts";
import type { PromSeries } from "./value.ts";

/** Two columns to be combined at the points of `present`, and what the result is called. */
interface Pair {
  readonly labels: Labels;
  readonly many: Float64Array;
  readonly one: Float64Array;
  readonly present: Presence;
  /** Answers are in order of the many side, filled ones last. */
  readonly order: number;
}

/** What the series of a group's one side add up to. A group has several if `group_left (…)` takes different labels from them. */
interface OneSide {
  /** Of the first series: the others agree in all that results take from it. */
  readonly labels: Labels;
  values: Float64Array;
  present: Presence;
  readonly order: number;
}

export async function operateOnVectors(
  context: PromContext,
  node: PromBinary,
  left: PromSeries[],
  right: PromSeries[],
): Promise<PromSeries[]> {
  const { run } = context.grid;
  const matching = matchingOf(node);
  const isSwapped = matching.card === "one-to-many";
  const pairing = new Pairing(context, node, matching, isSwapped ? right : left, isSwapped ? left : right);
  const results: PromSeries[] = [];
  for (const pair of await pairing.pairUp()) {
    if (run.isDue()) await run.breathe();
    const [a, b] = isSwapped ? [pair.one, pair.many] : [pair.many, pair.one];
    const series = operate(node, a, b, pair);
    if (series !== null) results.push(series);
  }
  return await mergeSameLabels(run, results);
}

/** Null if the comparison holds at no point. */
function operate(node: PromBinary, a: Float64Array, b: Float64Array, pair: Pair): PromSeries | null {
  const { labels, present } = pair;
  const operator = operatorOf(node);
  if (operator.arithmetic !== undefined) {
    const values = new Float64Array(a.length);
    operator.arithmetic(a, b, values);
    return { labels, values, present };
  }
  const holds = new Uint8Array(a.length);
  operator.compare(a, b, holds);
  if (node.isBool) return { labels, values: Float64Array.from(holds), present };
  const kept = intersect(holds, present);
  return hasPoint(kept) ? { labels, values: a.slice(), present: kept } : null;
}

type Operator =
  | { readonly arithmetic: ColumnOperator; readonly compare?: undefined }
  | { readonly arithmetic?: undefined; readonly compare: ColumnComparison };

function operatorOf(node: PromBinary): Operator {
  const arithmetic = ARITHMETIC.get(node.op);
  if (arithmetic !== undefined) return { arithmetic };
  const compare = COMPARISONS.get(node.op);
  if (compare === undefined) throw new BugError("an operator the parser knows and the evaluator does not");
  return { compare };
}

class Pairing {
  readonly #context: PromContext;
  readonly #matching: Matching;
  readonly #matcher: LabelMatcher;
  readonly #many: PromSeries[];
  readonly #ones: PromSeries[];
  readonly #points: number;
  readonly #dropsName: boolean;
  /** Columns of the fill values. */
  readonly #fillMany: Float64Array | null;
  readonly #fillOne: Float64Array | null;
  readonly #pairs: Pair[] = [];
  #columns = 0;
  /** Where any series of the many side has a value; made when asked for. */
  #manyPresence: Uint8Array | null = null;

  constructor(context: PromContext, node: PromBinary, matching: Matching, many: PromSeries[], ones: PromSeries[]) {
    this.#context = context;
    this.#matching = matching;
    this.#matcher = new LabelMatcher(matching);
    this.#many = many;
    this.#ones = ones;
    this.#points = context.grid.points;
    this.#dropsName = node.isBool || ARITHMETIC.has(node.op);
    const columnOf = (fill: number | null): Float64Array | null =>
      fill === null ? null : new Float64Array(this.#points).fill(fill);
    this.#fillMany = columnOf(matching.fillLeft);
    this.#fillOne = columnOf(matching.fillRight);
  }

  /** @throws InputError 422 when some point has two candidates. */
  async pairUp(): Promise<Pair[]> {
    const { card } = this.#matching;
    const { run } = this.#context.grid;
    for (const group of await this.#matcher.group(run, this.#many, this.#ones)) {
      if (run.isDue()) await run.breathe();
      if (group.right.length === 0 && this.#fillOne === null) continue;
      const ones = await this.#mergeOnes(group.right);
      const onePresence = unite(ones, this.#points);
      if (card === "one-to-one") await this.#refuseManyToOne(group.left, onePresence);
      const first = this.#pairs.length;
      for (const one of ones) await this.#pairWith(group, one);
      if (this.#fillOne !== null) await this.#fillOnes(group, onePresence, this.#fillOne);
      if (this.#fillMany !== null) await this.#fillManys(group, ones, this.#fillMany);
      if (card !== "one-to-one" && group.left.length > 1) await this.#refuseEqualResults(first);
    }
    return await sortPaced(run, this.#pairs, (a, b) => a.order - b.order);
  }

  async #pairWith(group: MatchGroup, one: OneSide): Promise<void> {
    for (const i of group.left) {
      const { labels, values, present } = this.#many[i] as PromSeries;
      await this.#add({
        labels: this.#resultLabels(labels, one.labels),
        many: values,
        one: one.values,
        present: intersect(present, one.present),
        order: i,
      });
    }
  }

  /** Points of the many side that no series of the one side meets. */
  async #fillOnes(group: MatchGroup, onePresence: Presence, value: Float64Array): Promise<void> {
    for (const i of group.left) {
      const { labels, values, present } = this.#many[i] as PromSeries;
      await this.#add({
        labels: this.#resultLabels(labels, this.#matcher.matched(labels)),
        many: values,
        one: value,
        present: subtract(present, onePresence, this.#points),
        order: i,
      });
    }
  }

  /** Points of the one side that no series of the many side meets. */
  async #fillManys(group: MatchGroup, ones: readonly OneSide[], value: Float64Array): Promise<void> {
    const manyPresence = unite(
      group.left.map((i) => this.#many[i] as PromSeries),
      this.#points,
    );
    for (const { labels, values, present, order } of ones) {
      await this.#add({
        labels: this.#resultLabels(this.#matcher.matched(labels), labels),
        many: value,
        one: values,
        present: subtract(present, manyPresence, this.#points),
        order: this.#many.length + order,
      });
    }
  }

  async #add(pair: Pair): Promise<void> {
    const { run } = this.#context.grid;
    if (run.isDue()) await run.breathe();
    if (!hasPoint(pair.present)) return;
    run.reserveColumns(++this.#columns, this.#points);
    this.#pairs.push(pair);
  }

  /** Labels of the many side, less what the operation drops, plus what `group_left (…)` takes from the one side. */
  #resultLabels(many: Labels, one: Labels): Labels {
    let labels = this.#dropsName ? dropMetadata(many) : many;
    if (this.#matching.card === "one-to-one") labels = this.#matcher.result(labels);
    for (const label of this.#matching.include) labels = withLabel(labels, label, one.get(label));
    return labels;
  }

  /**
   * The one side of a group in as few columns as its results need.
   * @throws InputError 422 when two of its series have a value at a point where the operation looks at them.
   */
  async #mergeOnes(indices: readonly number[]): Promise<OneSide[]> {
    const { run } = this.#context.grid;
    const sides = new Map<string, OneSide>();
    let taken: Uint8Array | null = null;
    for (let n = 0; n < indices.length; n++) {
      if (run.isDue()) await run.breathe();
      const order = indices[n] as number;
      const { labels, values, present } = this.#ones[order] as PromSeries;
      if (indices.length > 1) {
        if (taken === null) taken = new Uint8Array(this.#points);
        else if (this.#overlaps(taken, present)) throw this.#duplicateOnes(indices.slice(0, n), order);
        addPresence(taken, present);
      }
      let key = "";
      for (const label of this.#matching.include) key += `${labels.get(label).length}:${labels.get(label)}`;
      const side = sides.get(key);
      if (side === undefined) sides.set(key, { labels, values, present, order });
      else {
        const merged = copyPresence(side.present, this.#points);
        for (let k = 0; k < merged.length; k++) {
          if (present === null || present[k] === 1) side.values[k] = values[k] as number;
        }
        addPresence(merged, present);
        side.present = merged;
      }
    }
    return [...sides.values()];
  }

  /** Nothing is looked at where the many side is empty altogether, unless that is what gets filled. */
  #overlaps(taken: Uint8Array, present: Presence): boolean {
    const looksEverywhere = this.#fillOne !== null || this.#fillMany !== null;
    for (let k = 0; k < taken.length; k++) {
      if (taken[k] === 0 || (present !== null && present[k] === 0)) continue;
      if (looksEverywhere) return true;
      this.#manyPresence ??= copyPresence(unite(this.#many, this.#points), this.#points);
      if (this.#manyPresence[k] === 1) return true;
    }
    return false;
  }

  #duplicateOnes(earlier: readonly number[], order: number): InputError {
    const series = this.#ones[order] as PromSeries;
    const other = earlier
      .map((i) => this.#ones[i] as PromSeries)
      .find((one) => hasPoint(intersect(one.present, series.present)));
    const pair = [labelSetText(series.labels), labelSetText((other ?? series).labels)].sort();
    const side = this.#matching.card === "one-to-many" ? "left" : "right";
    return new InputError(
      `found duplicate series for the match group ${labelSetText(this.#matcher.matched(series.labels))} on the ${side} ` +
        `hand-side of the operation: [${pair.join(", ")}];many-to-many matching not allowed: matching labels must be unique on one side`,
      422,
    );
  }

  async #refuseManyToOne(indices: readonly number[], onePresence: Presence): Promise<void> {
    const { run } = this.#context.grid;
    if (indices.length < 2) return;
    const meets = this.#fillOne === null ? onePresence : null;
    const taken = new Uint8Array(this.#points);
    for (const i of indices) {
      if (run.isDue()) await run.breathe();
      const { present } = this.#many[i] as PromSeries;
      for (let k = 0; k < taken.length; k++) {
        if ((present !== null && present[k] === 0) || (meets !== null && meets[k] === 0)) continue;
        if (taken[k] === 1) {
          throw new InputError(
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            422,
          );
        }
        taken[k] = 1;
      }
    }
  }

  /** Within a group this is said of points that match, whether or not a comparison then keeps them. */
  async #refuseEqualResults(first: number): Promise<void> {
    const { run } = this.#context.grid;
    const takenBy = new Map<string, Uint8Array>();
    for (let i = first; i < this.#pairs.length; i++) {
      if (run.isDue()) await run.breathe();
      const { labels, present } = this.#pairs[i] as Pair;
      const key = labelsKey(labels);
      const taken = takenBy.get(key);
      if (taken === undefined) {
        takenBy.set(key, copyPresence(present, this.#points));
        continue;
      }
      if (hasPoint(intersect(taken, present))) {
        throw new InputError("multiple matches for labels: grouping labels must ensure unique matches", 422);
      }
      addPresence(taken, present);
    }
  }
}
