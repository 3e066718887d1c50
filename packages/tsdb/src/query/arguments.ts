/**
 * What evaluated arguments are taken for. There are no types in MetricsQL: a scalar is any single series, a string is a
 * single series without values whose name is the text.
 */
import { InputError } from "../base/errors.ts";
import { isBlank, type Series } from "./series.ts";

/** @throws InputError 422 */
export function readScalar(list: readonly Series[], name: string, position: number): Float64Array {
  if (list.length !== 1) {
    throw new InputError(`${name}: argument ${position} must be a scalar, got ${list.length} series`, 422);
  }
  return (list[0] as Series).values;
}

/** @throws InputError 422 */
export function readString(list: readonly Series[], name: string, position: number): string {
  const only = list[0];
  if (list.length !== 1 || only === undefined || !isBlank(only.values)) {
    throw new InputError(`${name}: argument ${position} must be a string, got ${list.length} series`, 422);
  }
  return only.labels.name;
}

/** A scalar's first point as a whole number, 0 for NaN. @throws InputError 422 */
export function readCount(list: readonly Series[], name: string, position: number): number {
  return Math.trunc(readScalar(list, name, position)[0] as number) || 0;
}

/** @throws InputError 422 when `count` is not between the two; `max` may be Infinity. */
export function wantArguments(name: string, count: number, min: number, max: number): void {
  if (count >= min && count <= max) return;
  const wanted = min === max ? `${min}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`;
  throw new InputError(`${name}: want ${wanted} argument${wanted === "1" ? "" : "s"}, got ${count}`, 422);
}

/** One string, or the strings of a union of them. @throws InputError 422 */
export function readStrings(list: readonly Series[], name: string, position: number): string[] {
  if (list.length === 0 || list.some((series) => !isBlank(series.values) || series.labels.pairs.length > 0)) {
    throw new InputError(`${name}: argument ${position} must be a string or a list of strings`, 422);
  }
  return list.map((series) => series.labels.name);
}
