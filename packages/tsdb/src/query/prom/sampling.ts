/**
 * limitk and limit_ratio: some of the series, whatever their values.
 *
 * limit_ratio places each label set at a fixed point between 0 and 1, its hash over 2^64, and takes those below r; a negative r takes
 * those from 1 + r on. So r and r - 1 share no series and leave none out, and a series is in or out for good:
 *
 *   0        r                    1
 *   |########|····················|   limit_ratio(r, v)
 *   |········|####################|   limit_ratio(r - 1, v)
 *
 * The hash is Prometheus' (XXH64 of its label sets in bytes), so both pick the same series.
 */
import { InputError } from "../../base/errors.ts";
import { labelTextByteLength, writeLabelText } from "../../base/label-bytes.ts";
import type { Labels } from "../../base/labels.ts";
import { xxHash64Fraction } from "../../base/xxhash.ts";
import type { PromAggregate, PromExpr } from "../../promql/ast.ts";
import { formatShort } from "../number-text.ts";
import { warn } from "./annotate.ts";
import type { PromContext } from "./context.ts";
import { Groups } from "./grouping.ts";
import { countsParam, scalarParam } from "./parameters.ts";
import type { Presence } from "./presence.ts";
import type { AggregateFunction, Aggregation } from "./tables.ts";
import type { PromSeries } from "./value.ts";

export const limitk: AggregateFunction = (context, node, param) => new LimitK(context, node, countsParam(param));

/** Keeps series until all points of their group have enough. */
class LimitK implements Aggregation {
  readonly keepsColumns = false;
  readonly #context: PromContext;
  readonly #counts: Int32Array;
  readonly #groups: Groups<{ readonly taken: Int32Array; isFull: boolean }>;
  readonly #list: PromSeries[] = [];

  constructor(context: PromContext, node: PromAggregate, counts: Int32Array) {
    this.#context = context;
    this.#counts = counts;
    const { run, points } = context.grid;
    this.#groups = new Groups(node, () => {
      run.reserveColumns(this.#groups.size + 1, points);
      return { taken: new Int32Array(points), isFull: false };
    });
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    const group = this.#groups.of(labels);
    if (group.isFull) return false;
    const counts = this.#counts;
    const { taken } = group;
    let mask: Uint8Array | null = null;
    let isFull = true;
    for (let k = 0; k < counts.length; k++) {
      if (taken[k] >= counts[k]) continue;
      if (present === null || present[k] === 1) {
        mask ??= new Uint8Array(counts.length);
        mask[k] = 1;
        taken[k]++;
      }
      if (taken[k] < counts[k]) isFull = false;
    }
    group.isFull = isFull;
    if (mask === null) return false;
    this.#list.push({ labels, values, present: mask });
    this.#context.grid.run.reserveColumns(this.#list.length, counts.length);
    return true;
  }

  async finish(): Promise<PromSeries[]> {
    return this.#list;
  }
}

/** r beyond ±1 is ±1, with a warning. @throws InputError 422 for NaN. */
export const limitRatio: AggregateFunction = (context, node, param) => {
  const ratios = scalarParam(param).slice();
  if (ratios.every((ratio) => ratio === 0)) return new LimitRatio(context, ratios);
  if (ratios.some((ratio) => ratio !== ratio)) throw new InputError("Ratio value is NaN", 422);
  const capped = (value: number, to: number): void =>
    warn(
      context,
      `ratio value should be between -1 and 1, got ${formatShort(value)}, capping to ${to}`,
      (node.param as PromExpr).pos,
    );
  const greatest = ratios.reduce((a, b) => Math.max(a, b));
  const least = ratios.reduce((a, b) => Math.min(a, b));
  if (greatest > 1) capped(greatest, 1);
  if (least < -1) capped(least, -1);
  for (let k = 0; k < ratios.length; k++) ratios[k] = Math.max(-1, Math.min(1, ratios[k]));
  return new LimitRatio(context, ratios);
};

/** Keeps the chosen series. */
class LimitRatio implements Aggregation {
  readonly keepsColumns = false;
  readonly #context: PromContext;
  readonly #ratios: Float64Array;
  readonly #list: PromSeries[] = [];

  constructor(context: PromContext, ratios: Float64Array) {
    this.#context = context;
    this.#ratios = ratios;
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    const ratios = this.#ratios;
    const place = placeOf(labels);
    let mask: Uint8Array | null = null;
    for (let k = 0; k < ratios.length; k++) {
      const ratio = ratios[k];
      if (ratio === 0 || (ratio > 0 ? place >= ratio : place < 1 + ratio)) continue;
      if (present !== null && present[k] === 0) continue;
      mask ??= new Uint8Array(ratios.length);
      mask[k] = 1;
    }
    if (mask === null) return false;
    this.#list.push({ labels, values, present: mask });
    this.#context.grid.run.reserveColumns(this.#list.length, ratios.length);
    return true;
  }

  async finish(): Promise<PromSeries[]> {
    return this.#list;
  }
}

/** Names and values in order of names, each behind its length. */
export function placeOf(labels: Labels): number {
  const entries = [...labels.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  let room = 0;
  for (const [name, value] of entries) room += 8 + 3 * (name.length + value.length);
  const bytes = new Uint8Array(room);
  let end = 0;
  for (const [name, value] of entries) end = writeText(value, bytes, writeText(name, bytes, end));
  return xxHash64Fraction(bytes, 0, end);
}

/** Lengths below 255 are one byte; others are 255 and three bytes, little-endian. */
function writeText(text: string, target: Uint8Array, offset: number): number {
  const length = labelTextByteLength(text);
  let at = offset;
  if (length < 255) target[at++] = length;
  else {
    target[at++] = 255;
    target[at++] = length;
    target[at++] = length >> 8;
    target[at++] = length >> 16;
  }
  return writeLabelText(text, target, at);
}
