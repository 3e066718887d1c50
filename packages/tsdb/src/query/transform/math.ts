/** Point-wise functions that need more than one line. */

/**
 * round(q, nearest): half away from zero to a multiple of `nearest`, then cut to the digits `nearest` has, so that 0.1 steps
 * do not show 0.30000000000000004.
 */
export function roundColumn(values: Float64Array, nearest: Float64Array): void {
  let unit = Number.NaN;
  let scale = 1;
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    const step = nearest[k] as number;
    if (step !== unit) {
      unit = step;
      scale = 10 ** -decimalExponent(step);
    }
    const raised = v + (v < 0 || Object.is(v, -0) ? -0.5 : 0.5) * Math.abs(step);
    values[k] = Math.trunc((raised - (raised % step)) * scale) / scale;
  }
}

/** e of `value` = m · 10^e with a whole m that is no multiple of 10. */
function decimalExponent(value: number): number {
  if (!Number.isFinite(value) || value === 0) return 0;
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const point = mantissa.indexOf(".");
  return Number(exponent) - (point < 0 ? 0 : mantissa.length - point - 1);
}

/** bitmap_and, _or, _xor: on 64-bit whole numbers, as floats carry them. NaN in, NaN out. */
export function combineBits(
  values: Float64Array,
  masks: Float64Array,
  combine: (a: bigint, b: bigint) => bigint,
): void {
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    const mask = masks[k] as number;
    values[k] = Number.isFinite(v) && Number.isFinite(mask) ? Number(combine(toUint64(v), toUint64(mask))) : Number.NaN;
  }
}

function toUint64(value: number): bigint {
  return BigInt.asUintN(64, BigInt(Math.trunc(value)));
}
