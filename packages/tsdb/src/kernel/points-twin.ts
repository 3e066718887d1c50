/** Points as text: the specification of the `points` kernel, and what runs when wasm is missing. */
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

/** `1.5,null,"-Infinity"`: values as JSON has them; NaN is null. */
export function printValuesTwin(values: Float64Array, lo: number, hi: number): string {
  const texts: string[] = [];
  for (let i = lo; i < hi; i++) {
    const value = values[i];
    if (value - value === 0) texts.push(formatFloat(value));
    else texts.push(value !== value ? "null" : value > 0 ? '"Infinity"' : '"-Infinity"');
  }
  return texts.join();
}

/** `1700000000123,1700000015123`: timestamps as they are. Zero has no sign. */
export function printTimestampsTwin(timestamps: Float64Array, lo: number, hi: number): string {
  const texts: string[] = [];
  for (let i = lo; i < hi; i++) texts.push(formatFloat(timestamps[i] + 0));
  return texts.join();
}

/** What is printed of a point: `texts[0]`, a number, `texts[1]`, a number, `texts[2]`. */
export interface LineShape {
  /** Together at most LINE_TEXT_BYTES_MAX bytes. */
  readonly texts: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly isTimeFirst: boolean;
  /** Of the time; of seconds the whole ones, cut towards zero. */
  readonly unit: "ms" | "s" | "ns";
}

/** A line a point, as `shape` says; times are whole milliseconds. Latin-1 characters stand for bytes. */
export function printLinesTwin(
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  { isTimeFirst, texts, unit }: LineShape,
): string {
  const [before, between, behind] = texts.map((text) => Buffer.from(text).toString("latin1"));
  let lines = "";
  for (let i = lo; i < hi; i++) {
    const time = formatTime(timestamps[i], unit);
    const value = formatFloat(values[i]);
    lines += `${before}${isTimeFirst ? time : value}${between}${isTimeFirst ? value : time}${behind}`;
  }
  return lines;
}

function formatTime(ms: number, unit: LineShape["unit"]): string {
  if (unit === "s") return formatFloat(Math.trunc(ms / 1000) + 0);
  const text = formatFloat(ms + 0);
  return unit === "ms" || ms === 0 ? text : `${text}000000`;
}
