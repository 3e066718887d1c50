/**
 * Functions of single values: rounding, bounds, powers, angles, bits.
 */
import { columns, entry, keeping, points, type TransformEntry } from "./entry.ts";
import { combineBits, roundColumn } from "./math.ts";

export const mathFunctions: Readonly<Record<string, TransformEntry>> = {
  /** abs(q): without the sign. */
  abs: points(Math.abs),
  /** acos(q): arc cosine in radians; nothing outside [-1, 1]. */
  acos: points(Math.acos),
  /** acosh(q): inverse hyperbolic cosine; nothing below 1. */
  acosh: points(Math.acosh),
  /** asin(q): arc sine in radians; nothing outside [-1, 1]. */
  asin: points(Math.asin),
  /** asinh(q): inverse hyperbolic sine. */
  asinh: points(Math.asinh),
  /** atan(q): arc tangent in radians. Of two numbers: the operator `atan2`. */
  atan: points(Math.atan),
  /** atanh(q): inverse hyperbolic tangent; nothing outside [-1, 1]. */
  atanh: points(Math.atanh),
  /** bitmap_and(q, mask): bits set in both, of whole numbers below 2^64; fractions are cut off. */
  bitmap_and: columns(2, 2, (call) => (values) => combineBits(values, call.scalar(1), (a, b) => a & b)),
  /** bitmap_or(q, mask): bits set in either. */
  bitmap_or: columns(2, 2, (call) => (values) => combineBits(values, call.scalar(1), (a, b) => a | b)),
  /** bitmap_xor(q, mask): bits set in one of them only. */
  bitmap_xor: columns(2, 2, (call) => (values) => combineBits(values, call.scalar(1), (a, b) => a ^ b)),
  /** ceil(q): up to a whole number. Keeps the name. */
  ceil: keeping(1, 1, () => (values) => {
    for (let k = 0; k < values.length; k++) values[k] = Math.ceil(values[k] as number);
  }),
  /** clamp(q, min, max): at least min and at most max; max wins where they cross. Keeps the name. */
  clamp: keeping(3, 3, (call) => {
    const [low, high] = [call.scalar(1), call.scalar(2)];
    return (values) => {
      for (let k = 0; k < values.length; k++) {
        const v = values[k] as number;
        if (v > (high[k] as number)) values[k] = high[k] as number;
        else if (v < (low[k] as number)) values[k] = low[k] as number;
      }
    };
  }),
  /** clamp_max(q, max): at most max. Keeps the name. */
  clamp_max: keeping(2, 2, (call) => {
    const high = call.scalar(1);
    return (values) => {
      for (let k = 0; k < values.length; k++)
        if ((values[k] as number) > (high[k] as number)) values[k] = high[k] as number;
    };
  }),
  /** clamp_min(q, min): at least min. Keeps the name. */
  clamp_min: keeping(2, 2, (call) => {
    const low = call.scalar(1);
    return (values) => {
      for (let k = 0; k < values.length; k++)
        if ((values[k] as number) < (low[k] as number)) values[k] = low[k] as number;
    };
  }),
  /** cos(q): cosine of radians. */
  cos: points(Math.cos),
  /** cosh(q): hyperbolic cosine. */
  cosh: points(Math.cosh),
  /** deg(q): radians to degrees. */
  deg: points((v) => (v * 180) / Math.PI),
  /** exp(q): exponential function, e^q. */
  exp: points(Math.exp),
  /** floor(q): down to a whole number. Keeps the name. */
  floor: keeping(1, 1, () => (values) => {
    for (let k = 0; k < values.length; k++) values[k] = Math.floor(values[k] as number);
  }),
  /** ln(q): natural logarithm; -Inf for 0, nothing below. */
  ln: points(Math.log),
  /** log10(q): logarithm to base 10. */
  log10: points(Math.log10),
  /** log2(q): logarithm to base 2. */
  log2: points(Math.log2),
  /** pi(): 3.14159… */
  pi: entry(0, 0, (call) => call.constant(Math.PI)),
  /** rad(q): degrees to radians. */
  rad: points((v) => (v * Math.PI) / 180),
  /**
   * round(q [, nearest]): to the nearest multiple of `nearest`, 1 if not given; half away from zero. Keeps the name.
   */
  round: keeping(1, 2, (call) => {
    const nearest = call.count > 1 ? call.scalar(1) : new Float64Array(call.context.points).fill(1);
    return (values) => roundColumn(values, nearest);
  }),
  /** sgn(q): -1, 0 or 1; 0 where there is no value, as in VictoriaMetrics. */
  sgn: points((v) => (v < 0 ? -1 : v > 0 ? 1 : 0)),
  /** sin(q): sine of radians. */
  sin: points(Math.sin),
  /** sinh(q): hyperbolic sine. */
  sinh: points(Math.sinh),
  /** sqrt(q): square root; nothing below 0. */
  sqrt: points(Math.sqrt),
  /** tan(q): tangent of radians. */
  tan: points(Math.tan),
  /** tanh(q): hyperbolic tangent. */
  tanh: points(Math.tanh),
};
