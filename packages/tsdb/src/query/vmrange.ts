/**
 * VictoriaMetrics' histogram buckets: 18 a decade from 1e-9 to 1e18, one below, one above. A bucket is known by the text of
 * its `vmrange` label, "1.000e-09...1.136e-09"; the upper bound belongs to it, the lower one to the bucket before.
 */

const PER_DECADE = 18;
const EXPONENT_MIN = -9;
const EXPONENT_MAX = 18;
const COUNT = (EXPONENT_MAX - EXPONENT_MIN) * PER_DECADE;

/** Index 0 is everything up to 1e-9, COUNT + 1 everything above 1e18. */
export const VMRANGES: readonly string[] = listRanges();

/** Which of VMRANGES holds `v`; -1 for NaN and negative values, which have no bucket. */
export function vmrangeIndex(v: number): number {
  if (!(v >= 0)) return -1;
  const position = (Math.log10(v) - EXPONENT_MIN) * PER_DECADE;
  if (position < 0) return 0;
  if (position >= COUNT) return COUNT + 1;
  const whole = Math.floor(position);
  return whole === position && whole > 0 ? whole : whole + 1;
}

function listRanges(): string[] {
  const multiplier = 10 ** (1 / PER_DECADE);
  let bound = 1e-9;
  let lower = exponential(bound);
  const ranges = [`0...${lower}`];
  for (let i = 0; i < COUNT; i++) {
    bound *= multiplier;
    const upper = exponential(bound);
    ranges.push(`${lower}...${upper}`);
    lower = upper;
  }
  ranges.push(`${exponential(1e18)}...+Inf`);
  return ranges;
}

/** `%.3e`, whose exponent has two digits at least. */
function exponential(value: number): string {
  return value.toExponential(3).replace(/e([+-])(\d)$/, "e$10$2");
}
