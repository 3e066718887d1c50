/** Points as JSON: the specification of the `points` kernel, and what runs when wasm is missing. */
import { formatFloat } from "../base/number-format.ts";

/**
 * `[1700000000.123,"1.5"],[1700000015.123,"2"]`: seconds of `timestamps` (ms) and the value, both as formatFloat() has
 * them, except that time zero has no sign.
 */
export function printPointsTwin(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): string {
  let text = "";
  for (let i = lo; i < hi; i++) {
    if (i > lo) text += ",";
    text += `[${formatFloat(timestamps[i] / 1000 + 0)},"${formatFloat(values[i])}"]`;
  }
  return text;
}
