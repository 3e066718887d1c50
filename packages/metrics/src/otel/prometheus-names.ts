/**
 * Names and attributes of OpenTelemetry as Prometheus' formats can hold them, after OpenTelemetry's specification "Prometheus and
 * OpenMetrics Compatibility":
 *
 *     http.server.requests   monotonic sum        http_server_requests_total
 *     depth metres           gauge                depth_metres
 *     {crew.size: 3}         attributes           crew_size="3"
 *
 * Units are not appended unless asked for: a metric has the same name scraped as pushed over OTLP then, but for `_total`.
 */
import type { Attributes } from "@opentelemetry/api";
import { formatLabels } from "../exposition/labels.ts";

/** Longer attribute values are cut, as VictoriaMetrics cuts them. In UTF-16 units. */
export const LABEL_VALUE_LENGTH_MAX = 4096;

export interface NameOptions {
  /** A monotonic sum: its name ends with `_total`. */
  readonly isCounter: boolean;
  /** A unit of 1 then means a ratio. */
  readonly isGauge: boolean;
  /** Appends the unit to names that do not have it. */
  readonly unitSuffixes: boolean;
}

/**
 * The family's name, and its unit in words if the name ends with it ("" otherwise).
 *
 *     nameFamily("http.server.duration", "ms", {…})                       http_server_duration, ""
 *     nameFamily("http.server.duration", "ms", {…, unitSuffixes: true})   http_server_duration_milliseconds, "milliseconds"
 */
export function nameFamily(name: string, unit: string, options: NameOptions): { name: string; unit: string } {
  let stem = sanitizeMetricName(name);
  if (options.isCounter && stem.endsWith("_total")) stem = stem.slice(0, -"_total".length);
  let word = spellUnit(unit);
  if (word === "" && unit === "1" && options.isGauge && options.unitSuffixes) word = "ratio";
  if (options.unitSuffixes && word !== "" && !endsWithWord(stem, word)) stem = `${stem}_${word}`;
  return { name: options.isCounter ? `${stem}_total` : stem, unit: endsWithWord(stem, word) ? word : "" };
}

/** `name` with an underscore for every run of characters that a metric's name cannot have. */
export function sanitizeMetricName(name: string): string {
  if (/^[a-zA-Z:][a-zA-Z0-9:]*(?:_[a-zA-Z0-9:]+)*$/.test(name)) return name;
  const clean = name.replace(/[^a-zA-Z0-9:]+/g, "_");
  return /^[0-9]/.test(clean) || clean === "" ? `_${clean}` : clean;
}

/** Likewise for a label's name. None begins with two underscores: those belong to Prometheus, `__name__` before all. */
export function sanitizeLabelName(name: string): string {
  if (/^[a-zA-Z][a-zA-Z0-9]*(?:_[a-zA-Z0-9]+)*$/.test(name)) return name;
  const clean = name.replace(/[^a-zA-Z0-9]+/g, "_");
  return /^[0-9]/.test(clean) || clean === "" ? `_${clean}` : clean;
}

/**
 * Attributes as label text. Values that are no strings are written as JSON; undefined, null and "" are no label. Two keys that
 * become one name share it: their values are joined by `;` in the order of the keys.
 *
 * `reserved` is a name the family needs for itself (`le`): an attribute of that name is called `exported_…`.
 */
export function formatAttributes(
  attributes: Attributes,
  more: readonly (readonly [string, string])[] = [],
  reserved = "",
): string {
  const keys = Object.keys(attributes);
  if (keys.length === 0 && more.length === 0) return "";
  const labels = new Map<string, string>();
  const add = (key: string, value: string): void => {
    if (value === "") return;
    let name = sanitizeLabelName(key);
    if (name === reserved) name = `exported_${name}`;
    const other = labels.get(name);
    const whole = other === undefined ? value : `${other};${value}`;
    labels.set(name, whole.length > LABEL_VALUE_LENGTH_MAX ? whole.slice(0, LABEL_VALUE_LENGTH_MAX) : whole);
  };
  for (const [key, value] of more) add(key, value);
  if (keys.length > 1) keys.sort();
  for (const key of keys) add(key, formatAttributeValue(attributes[key]));
  return formatLabels(labels);
}

/** A value of any type, for callers get round the types: never throws. */
function formatAttributeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "object":
      if (value === null) return "";
      try {
        return JSON.stringify(value) ?? "";
      } catch {
        return "[object]";
      }
    default:
      return "";
  }
}

/** UCUM abbreviations that OpenTelemetry's specification spells out. */
const unitWords: ReadonlyMap<string, string> = new Map([
  ["d", "days"],
  ["h", "hours"],
  ["min", "minutes"],
  ["s", "seconds"],
  ["ms", "milliseconds"],
  ["us", "microseconds"],
  ["ns", "nanoseconds"],
  ["By", "bytes"],
  ["KiBy", "kibibytes"],
  ["MiBy", "mebibytes"],
  ["GiBy", "gibibytes"],
  ["TiBy", "tibibytes"],
  ["KBy", "kilobytes"],
  ["MBy", "megabytes"],
  ["GBy", "gigabytes"],
  ["TBy", "terabytes"],
  ["m", "meters"],
  ["V", "volts"],
  ["A", "amperes"],
  ["J", "joules"],
  ["W", "watts"],
  ["g", "grams"],
  ["Cel", "celsius"],
  ["Hz", "hertz"],
  ["%", "percent"],
]);

const perWords: ReadonlyMap<string, string> = new Map([
  ["s", "second"],
  ["m", "minute"],
  ["min", "minute"],
  ["h", "hour"],
  ["d", "day"],
  ["w", "week"],
  ["mo", "month"],
  ["y", "year"],
]);

/** A unit in words: `By/s` is `bytes_per_second`; annotations such as `{requests}`, and 1, are no unit. */
function spellUnit(unit: string): string {
  const plain = unit.replace(/\{[^}]*\}/g, "");
  if (plain === "" || plain === "1") return "";
  const slash = plain.indexOf("/");
  if (slash < 0) return spell(plain, unitWords);
  const over = spell(plain.slice(0, slash), unitWords);
  const under = spell(plain.slice(slash + 1), perWords);
  return under === "" ? over : `${over}${over === "" ? "" : "_"}per_${under}`;
}

function spell(abbreviation: string, words: ReadonlyMap<string, string>): string {
  return words.get(abbreviation) ?? abbreviation.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^_|_$/g, "");
}

function endsWithWord(name: string, word: string): boolean {
  return word !== "" && (name === word || name.endsWith(`_${word}`));
}
