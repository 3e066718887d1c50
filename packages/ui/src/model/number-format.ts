/** Numbers as people read them. */

/** How to write the values of an answer: `bytes` in powers of 1024, everything else in powers of 1000. */
export type Unit = "number" | "bytes";

const BYTE_PREFIXES = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const NUMBER_PREFIXES = ["", "k", "M", "G", "T", "P", "E"];

/** Bytes if every series' name says so; a name is the only hint there is. */
export function chooseUnit(names: readonly string[]): Unit {
  return names.length > 0 && names.every((name) => /_bytes$/.test(name)) ? "bytes" : "number";
}

/** A few digits: `12.5k`, `256 MiB`, `1.2e-7`. */
export function formatShort(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return formatExact(value);
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  const base = unit === "bytes" ? 1024 : 1000;
  const suffixOf = (prefix: string) => (unit === "bytes" ? ` ${prefix}B` : prefix);
  if (magnitude < 1e-4 || magnitude >= base ** 7) return value.toExponential(2).replace(/\.?0+e/, "e");
  if (magnitude < 1) return trimZeros(value.toPrecision(3)) + suffixOf("");
  const prefixes = unit === "bytes" ? BYTE_PREFIXES : NUMBER_PREFIXES;
  let power = 0;
  // Rounding to three digits may reach the next prefix: 999,999 is 1M, not 1000k.
  while (power < prefixes.length - 1 && magnitude / base ** power >= base * 0.9995) power++;
  const scaled = value / base ** power;
  const digits = Math.abs(scaled) >= 100 ? scaled.toFixed(unit === "bytes" ? 0 : 1) : scaled.toPrecision(3);
  return trimZeros(digits) + suffixOf(prefixes[power] as string);
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
  const largest = Math.abs(value);
  if (largest < 1e-4 || largest >= 1e21) return formatShort(value, unit);
  const base = unit === "bytes" ? 1024 : 1000;
  const prefixes = unit === "bytes" ? BYTE_PREFIXES : NUMBER_PREFIXES;
  let power = 0;
  while (power < prefixes.length - 1 && largest >= base ** (power + 1)) power++;
  const scaledGap = gap / base ** power;
  const digits = Math.min(8, Math.max(0, Math.ceil(-Math.log10(scaledGap) - 1e-9)));
  const text = trimZeros((value / base ** power).toFixed(digits));
  return text + (unit === "bytes" ? ` ${prefixes[power]}B` : prefixes[power]);
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
