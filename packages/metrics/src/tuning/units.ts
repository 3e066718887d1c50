/**
 * Units as names of metrics spell them. Prometheus' base units, and what people write instead of them.
 * Sources: "Metric and label naming" of Prometheus' documentation (base units), promtool's check metrics (prefixes, abbreviations), UCUM as
 * OpenTelemetry uses it for the units of instruments.
 */

/** How `word` of a metric's name stands to the units. Null if it is no unit. */
export function unitOfWord(word: string): UnitWord | null {
  const base = BASE_BY_WORD.get(word);
  if (base !== undefined) return { base, kind: base === word ? "base" : "scaled" };
  for (const prefix of PREFIXES) {
    const prefixed = word.startsWith(prefix) ? BASE_BY_WORD.get(word.slice(prefix.length)) : undefined;
    if (prefixed !== undefined && prefixed !== "ratio") return { base: prefixed, kind: "scaled" };
  }
  const abbreviated = BASE_BY_ABBREVIATION.get(word);
  return abbreviated === undefined ? null : { base: abbreviated, kind: "abbreviated" };
}

export interface UnitWord {
  /** The word that belongs there: "seconds". */
  readonly base: string;
  /** "scaled": of another size than the base unit (milliseconds, kilobytes, percent). */
  readonly kind: "base" | "scaled" | "abbreviated";
}

/**
 * The word that `unit` makes of a metric's name: "s", "ms" and "seconds" are seconds, "By" is bytes. "" if it makes none (`{requests}`, "1",
 * what is not known).
 */
export function wordOfUnit(unit: string): string {
  return BASE_BY_UCUM.get(unit) ?? unitOfWord(unit)?.base ?? "";
}

/** Whether values in `unit` must be multiplied to be in its base unit. */
export function isScaledUnit(unit: string): boolean {
  if (BASE_BY_UCUM.has(unit)) return !BASE_UCUM.has(unit);
  return unitOfWord(unit)?.kind === "scaled";
}

/** What a quantity is measured in by its name alone: a duration without a unit lacks its seconds. */
export const BASE_BY_QUANTITY: ReadonlyMap<string, string> = new Map([
  ["duration", "seconds"],
  ["latency", "seconds"],
  ["uptime", "seconds"],
  ["age", "seconds"],
  ["memory", "bytes"],
  ["temperature", "celsius"],
  ["voltage", "volts"],
]);

const BASE_BY_WORD: ReadonlyMap<string, string> = new Map([
  ...["amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres", "ratio", "seconds", "volts"].map(
    (base) => [base, base] as const,
  ),
  ...["minutes", "hours", "days", "weeks"].map((word) => [word, "seconds"] as const),
  ["kelvins", "kelvin"],
  ["fahrenheit", "celsius"],
  ["inches", "meters"],
  ["yards", "meters"],
  ["miles", "meters"],
  ["bits", "bytes"],
  ["calories", "joules"],
  ["pounds", "grams"],
  ["ounces", "grams"],
  ["percent", "ratio"],
  ["percentage", "ratio"],
]);

const PREFIXES: readonly string[] =
  "pico nano micro milli centi deci deca hecto kilo mega giga tera peta exa kibi mebi gibi tebi pebi exbi".split(" ");

const BASE_BY_ABBREVIATION: ReadonlyMap<string, string> = new Map([
  ...["s", "ms", "us", "ns", "sec", "secs", "msec", "msecs", "usec", "nsec", "millis", "micros", "nanos"].map(
    (word) => [word, "seconds"] as const,
  ),
  // m is taken for minutes, as h and d stand beside it in promtool's list. min is none: it is what has a max.
  ...["m", "mins", "h", "hr", "hrs", "d"].map((word) => [word, "seconds"] as const),
  ...["b", "kb", "mb", "gb", "tb", "pb", "kib", "mib", "gib", "tib"].map((word) => [word, "bytes"] as const),
  ["pct", "ratio"],
]);

const BASE_UCUM: ReadonlySet<string> = new Set(["s", "By", "Cel", "K", "m", "g", "J", "V", "A"]);

const BASE_BY_UCUM: ReadonlyMap<string, string> = new Map([
  ...["s", "ms", "us", "ns", "min", "h", "d", "wk"].map((code) => [code, "seconds"] as const),
  ...["By", "bit", "kBy", "MBy", "GBy", "TBy", "KiBy", "MiBy", "GiBy", "TiBy"].map((code) => [code, "bytes"] as const),
  ["Cel", "celsius"],
  ["K", "kelvin"],
  ["m", "meters"],
  ["km", "meters"],
  ["mm", "meters"],
  ["g", "grams"],
  ["kg", "grams"],
  ["J", "joules"],
  ["V", "volts"],
  ["mV", "volts"],
  ["A", "amperes"],
  ["mA", "amperes"],
  ["%", "ratio"],
]);
