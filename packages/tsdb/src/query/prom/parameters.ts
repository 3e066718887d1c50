/** The parameters of aggregations, which may differ from point to point. */
import { BugError, InputError } from "../../base/errors.ts";
import { formatShort } from "../number-text.ts";
import type { PromValue } from "./value.ts";

/** A scalar, one value a point. */
export function scalarParam(param: PromValue | null): Float64Array {
  if (param === null || param.kind !== "scalar") throw new BugError("the parser lets only a scalar be this parameter");
  return param.values;
}

export function stringParam(param: PromValue | null): string {
  if (param === null || param.kind !== "string") throw new BugError("the parser lets only a string be this parameter");
  return param.value;
}

/** Prometheus' bounds, both excluded: the least 64-bit integer, and the greatest that is a double. */
const INT64_MIN = -(2 ** 63);
const INT64_MAX = 2 ** 63 - 1024;

/** More series than any group has. */
const COUNT_MAX = 2 ** 31 - 1;

/**
 * How many series are wanted at each point: k without its fraction, from 0 to COUNT_MAX.
 * @throws InputError 422 for NaN and for what is no 64-bit integer, unless no k is 1 or more: then nothing is asked for.
 */
export function countsParam(param: PromValue | null): Int32Array {
  const values = scalarParam(param);
  const counts = new Int32Array(values.length);
  if (values.every((k) => k < 1)) return counts;
  if (values.some((k) => k !== k)) throw new InputError("Parameter value is NaN", 422);
  for (let i = 0; i < values.length; i++) {
    const k = values[i];
    if (k <= INT64_MIN) throw new InputError(`Scalar value ${formatShort(k)} underflows int64`, 422);
    if (k >= INT64_MAX) throw new InputError(`Scalar value ${formatShort(k)} overflows int64`, 422);
    counts[i] = Math.max(0, Math.min(Math.trunc(k), COUNT_MAX));
  }
  return counts;
}
