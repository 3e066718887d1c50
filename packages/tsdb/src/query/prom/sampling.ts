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
import type { PromExpr } from "../../promql/ast.ts";
import { formatShort } from "../number-text.ts";
import { warn } from "./annotate.ts";
import { groupSeries } from "./grouping.ts";
import { countsParam, scalarParam } from "./parameters.ts";
import { copyPresence, hasPoint } from "./presence.ts";
import type { AggregateFunction } from "./tables.ts";

export const limitk: AggregateFunction = (context, node, series, param) => {
  const counts = countsParam(param, series.length);
  const taken = new Int32Array(context.grid.points);
  for (const group of groupSeries(node, series)) {
    taken.fill(0);
    for (const one of group.series) {
      const present = copyPresence(one.present, taken.length);
      for (let k = 0; k < taken.length; k++) {
        if (present[k] === 1 && taken[k]++ >= counts[k]) present[k] = 0;
      }
      one.present = present;
    }
  }
  return series.filter((one) => hasPoint(one.present));
};

/** r beyond ±1 is ±1, with a warning. @throws InputError 422 for NaN. */
export const limitRatio: AggregateFunction = (context, node, series, param) => {
  const ratios = scalarParam(param);
  if (ratios.every((ratio) => ratio === 0)) return [];
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
  for (const one of series) {
    const place = placeOf(one.labels);
    const present = copyPresence(one.present, ratios.length);
    for (let k = 0; k < ratios.length; k++) {
      const ratio = Math.max(-1, Math.min(1, ratios[k]));
      if (ratio === 0 || (ratio > 0 ? place >= ratio : place < 1 + ratio)) present[k] = 0;
    }
    one.present = present;
  }
  return series.filter((one) => hasPoint(one.present));
};

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
