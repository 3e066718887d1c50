/**
 * Names of OpenTelemetry as Prometheus would have them, when flags ask for it: `http.server.duration` in `ms` becomes
 * `http_server_duration_milliseconds`. By default nothing is changed, as in VictoriaMetrics, whose rules these are
 * (lib/protoparser/opentelemetry/stream/sanitize.go).
 */

export type MetricKind = "unknown" | "gauge" | "counter" | "histogram" | "summary";

/** Units that have a longer name; "" means: no suffix for it. */
const UNITS: ReadonlyMap<string, string> = new Map([
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
  ["1", ""],
  ["%", "percent"],
]);

/** Units behind the slash: `By/s` is bytes per second. */
const PER_UNITS: ReadonlyMap<string, string> = new Map([
  ["s", "second"],
  ["m", "minute"],
  ["h", "hour"],
  ["d", "day"],
  ["w", "week"],
  ["mo", "month"],
  ["y", "year"],
]);

/** `my-latency` in `ms`, a gauge → `my_latency_milliseconds`. Words that are already in the name are not repeated. */
export function toPrometheusMetricName(name: string, unit: string, kind: MetricKind): string {
  const words = name.split(/[/_.\-: ]/).filter((word) => word !== "");
  const slash = unit.indexOf("/");
  const mainUnit = (slash < 0 ? unit : unit.slice(0, slash)).trim();
  const perUnit = slash < 0 ? "" : unit.slice(slash + 1).trim();
  if (!mainUnit.includes("{")) {
    const word = UNITS.get(mainUnit) ?? mainUnit;
    if (word !== "" && !words.includes(word)) words.push(word);
  }
  if (!perUnit.includes("{")) {
    const word = PER_UNITS.get(perUnit) ?? perUnit;
    if (word !== "" && !words.includes(word)) words.push("per", word);
  }
  if (kind === "counter") moveToEnd(words, "total");
  else if (unit === "1" && kind === "gauge") moveToEnd(words, "ratio");
  return words.join("_");
}

/** `http.method` → `http_method`, `1st` → `key_1st`, `_x` → `key_x` if asked for; `__x` stays. */
export function toPrometheusLabelName(name: string, isUnderscoreSanitized: boolean): string {
  const safe = name.replace(/[^a-zA-Z0-9_]/gu, "_");
  if (/^[0-9]/.test(safe)) return `key_${safe}`;
  if (isUnderscoreSanitized && /^_(?!_)/.test(safe)) return `key${safe}`;
  return safe;
}

function moveToEnd(words: string[], word: string): void {
  const at = words.indexOf(word);
  if (at >= 0) words.splice(at, 1);
  words.push(word);
}
