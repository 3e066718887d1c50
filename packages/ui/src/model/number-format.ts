/** Numbers as people read them. */

/** How to write the values of an answer: `bytes` in powers of 1024, `seconds` as clocks count, everything else in powers of 1000. */
export type Unit = "number" | "bytes" | "seconds";

/** What one of each is worth, ascending, and how it is written behind the number. */
const SCALES: Readonly<Record<Unit, readonly (readonly [number, string])[]>> = {
  number: ["", "k", "M", "G", "T", "P", "E"].map((prefix, power) => [1000 ** power, prefix] as const),
  bytes: ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((prefix, power) => [1024 ** power, ` ${prefix}B`] as const),
  seconds: [
    [1e-9, " ns"],
    [1e-6, " µs"],
    [1e-3, " ms"],
    [1, " s"],
    [60, " min"],
    [3600, " h"],
    [86_400, " d"],
  ],
};

/** Smaller and larger numbers are written as `1.2e-7`. */
const PLAIN_MIN = 1e-4;
const PLAIN_MAX = 1e21;

/** A few digits: `12.5k`, `256 MiB`, `35 ms`, `1.2e-7`. */
export function formatShort(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return formatExact(value);
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  // Rounding to three digits may reach the next scale: 999,999 is 1M, not 1000k.
  const [factor, suffix] = scaleOf(magnitude / 0.9995, unit);
  if (isBeyondScales(magnitude, unit)) return value.toExponential(2).replace(/\.?0+e/, "e");
  const scaled = value / factor;
  const places = unit === "number" ? 1 : 0;
  const digits = Math.abs(scaled) >= 100 ? scaled.toFixed(places) : scaled.toPrecision(3);
  return trimZeros(digits) + suffix;
}

/** All digits, grouped by thousands where that helps. Infinities and NaN as the API writes them. */
export function formatExact(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const text = String(value);
  if (text.includes("e")) return text;
  const [whole = "", fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/**
 * Labels of an axis: digits enough to tell neighbours apart. `gap` is the distance between two of them.
 */
export function formatTick(value: number, gap: number, unit: Unit): string {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (isBeyondScales(magnitude, unit)) return formatShort(value, unit);
  const [factor, suffix] = scaleOf(magnitude, unit);
  const enough = Math.max(0, Math.ceil(-Math.log10(gap / factor) - 1e-9));
  // Steps of 0.25 need a second digit, or they would read 0.3, 0.5, 0.8.
  const rest = (gap / factor) * 10 ** enough;
  const digits = Math.min(8, Math.abs(rest - Math.round(rest)) < 1e-6 ? enough : enough + 1);
  return trimZeros((value / factor).toFixed(digits)) + suffix;
}

/** The largest scale that is not above `magnitude`; the smallest for what is below all. */
function scaleOf(magnitude: number, unit: Unit): readonly [number, string] {
  const scales = SCALES[unit];
  return scales.findLast(([factor]) => factor <= magnitude) ?? (scales[0] as readonly [number, string]);
}

function isBeyondScales(magnitude: number, unit: Unit): boolean {
  return magnitude >= PLAIN_MAX || magnitude < (unit === "seconds" ? 1e-10 : PLAIN_MIN);
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
