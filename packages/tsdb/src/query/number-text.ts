/** Numbers in label values; plain decimals are base/number-format.ts's `formatFloat`. */
import { formatFloat } from "../base/number-format.ts";

/** `%g` with the shortest digits, as Go prints it: an exponent of two digits or more below 1e-4 and from 1e6 on. */
export function formatShort(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatFloat(value);
  const [mantissa, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return formatFloat(value);
  const size = Math.abs(exponent);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${size < 10 ? `0${size}` : size}`;
}

/** Longer texts are no numbers: a sender's label may be anything, and 2^-1074 needs this many places. */
const NUMBER_LENGTH_MAX = 1100;

/** A number as Prometheus and VictoriaMetrics write one in `le` and `vmrange` labels; NaN for anything else. */
export function readNumber(text: string): number {
  if (text.length > NUMBER_LENGTH_MAX) return Number.NaN;
  // Digits on both sides of an optional point can be told apart in one way only: no two ways to match, nothing to go back to.
  if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text);
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  return infinite === null ? Number.NaN : infinite[1] === "-" ? -Infinity : Infinity;
}
