/**
 * Warns of names that work but will be regretted: a renamed metric breaks every dashboard and alert that has it.
 *
 *     checkMetricName("requestLatencyMs", { type: "histogram" })
 *     // snake-case: … suggestion request_latency_ms;  abbreviated-unit: … suggestion requestLatency_seconds
 *
 * Where the rules come from: "Metric and label naming" and "Histograms and summaries" of Prometheus' documentation, promtool's check metrics
 * (what it says of a name, this says too), OpenMetrics for the reserved suffixes.
 */
import { BASE_BY_QUANTITY, isScaledUnit, unitOfWord, wordOfUnit } from "./units.ts";

/** A convention that a name breaks. */
export interface NameWarning {
  readonly rule: NameRule;
  /** One sentence: what is there and what is wanted. */
  readonly message: string;
  /** The name with this one thing mended, or null where only its author can tell. Several warnings: mend and check again. */
  readonly suggestion: string | null;
}

/** The conventions, those of Prometheus. */
export type NameRule =
  /** Letters, digits and `_` only; no digit first; not empty; 1,000 at most. */
  | "characters"
  /** `:` is for recording rules. */
  | "colon"
  /** `__` at the front is for the system's own labels. */
  | "reserved-prefix"
  /** No capitals. */
  | "snake-case"
  /** A counter ends with `_total`. */
  | "counter-total"
  /** Nothing else does. */
  | "total-not-counter"
  /** `_bucket`, `_sum`, `_count` are appended to histograms and summaries. */
  | "reserved-suffix"
  /** `_counter`, `_gauge` … say what `# TYPE` says. */
  | "type-in-name"
  /** seconds, not milliseconds; bytes, not kilobytes; ratio, not percent. */
  | "base-unit"
  /** seconds, not s. */
  | "abbreviated-unit"
  /** The unit is the last word, `_total` apart. */
  | "unit-not-last"
  /** The instrument has a unit, or measures what has one, and the name does not say it. */
  | "unit-missing"
  /** The instrument's unit is another than the name's. */
  | "unit-differs"
  /** `requests_by_path`: the label's name is no part of the metric's. */
  | "label-in-name"
  /** le, quantile, vmrange: written by histograms and summaries. */
  | "reserved-label"
  /** job, instance: written by the scraper. */
  | "target-label"
  /** A value of its own for each user, session, request: a series for each. */
  | "unbounded-label";

/** What is known of a metric besides its name. */
export interface MetricNameOptions {
  /** Without it the rules that need to know are left out. */
  readonly type?: "counter" | "gauge" | "histogram" | "summary";
  /** The instrument's unit, as OpenTelemetry ("s", "By", "{requests}") or Prometheus ("seconds") spells it. */
  readonly unit?: string;
}

/** What is to be said against `name`; nothing if it is empty. Never throws. */
export function checkMetricName(name: string, options: MetricNameOptions = {}): NameWarning[] {
  const { type, unit = "" } = options;
  if (!isReadable(name)) return [notReadable(name)];
  const warnings = checkSpelling(name, "metric");
  const warn = (rule: NameRule, message: string, suggestion: string | null): void => {
    warnings.push({ rule, message, suggestion: suggestion === "" || suggestion === name ? null : suggestion });
  };
  if (name.includes(":")) {
    warn("colon", `${name} has a colon, which is for recording rules`, name.replaceAll(":", "_"));
  }
  const words = name.split("_");
  const last = words.length - 1;
  const lastWord = words[last] as string;
  const isTotal = last > 0 && lastWord === "total";
  const isSuffixed = last > 0 && RESERVED_SUFFIXES.has(lastWord);
  // Without a type the name may be that of a histogram's series.
  const hasTail = isTotal || (isSuffixed && type === undefined);
  const stem = hasTail ? words.slice(0, last) : words;
  const join = (mended: readonly string[]): string => (hasTail ? [...mended, lastWord] : mended).join("_");

  if (type === "counter" && !isTotal) {
    const mended = (isSuffixed ? words.slice(0, last) : words).filter((word) => word !== "total");
    warn("counter-total", `counter ${name} does not end with _total`, [...mended, "total"].join("_"));
  } else if (type !== undefined && type !== "counter" && isTotal) {
    warn("total-not-counter", `${type} ${name} ends with _total, as only counters do`, stem.join("_"));
  }
  if (type !== undefined && isSuffixed) {
    const message = `${type} ${name} ends with _${lastWord}, which histograms and summaries append themselves`;
    warn("reserved-suffix", message, words.slice(0, last).join("_"));
  }
  const typeAt = words.findIndex((word, i) => i > 0 && TYPE_WORDS.has(word.toLowerCase()));
  if (typeAt > 0) {
    const message = `${name} has the type ${words[typeAt]} in it, which # TYPE says`;
    warn("type-in-name", message, words.filter((_, i) => i !== typeAt).join("_"));
  }
  const by = stem.lastIndexOf("by");
  if (by > 0 && by < stem.length - 1) {
    const label = stem.slice(by + 1).join("_");
    warn("label-in-name", `${name} names a label: make it {${label}="…"}`, join(stem.slice(0, by)));
  }
  checkUnits(name, stem, join, unit, warn);
  return warnings;
}

/** What is to be said against a label's name; nothing if it is empty. Never throws. */
export function checkLabelName(name: string): NameWarning[] {
  if (!isReadable(name)) return [notReadable(name)];
  const warnings = checkSpelling(name, "label");
  const warn = (rule: NameRule, message: string): void => {
    warnings.push({ rule, message, suggestion: null });
  };
  if (name === "le" || name === "quantile" || name === "vmrange") {
    warn("reserved-label", `label ${name} is written by histograms and summaries`);
  }
  if (name === "job" || name === "instance") {
    warn("target-label", `label ${name} is written by the scraper, which renames yours to exported_${name}`);
  }
  const words = name.toLowerCase().split("_");
  const culprit = words.find((word) => UNBOUNDED_WORDS.has(word));
  if (culprit !== undefined || /[a-z]Id$/.test(name)) {
    warn(
      "unbounded-label",
      `label ${name}: a series for each ${culprit ?? "id"}; leave it to logs or limit its values`,
    );
  }
  return warnings;
}

type Warn = (rule: NameRule, message: string, suggestion: string | null) => void;

/** Longer ones are no names, and some of the expressions here take time by the square of the length. */
const NAME_LENGTH_MAX = 1000;

function isReadable(name: unknown): boolean {
  return typeof name === "string" && name.length <= NAME_LENGTH_MAX;
}

function notReadable(name: unknown): NameWarning {
  const got = typeof name === "string" ? `${name.length} characters` : typeof name;
  return {
    rule: "characters",
    message: `want a name of at most ${NAME_LENGTH_MAX} characters, got ${got}`,
    suggestion: null,
  };
}

/** What is wrong with any name. */
function checkSpelling(name: string, kind: "metric" | "label"): NameWarning[] {
  const warnings: NameWarning[] = [];
  const legal = kind === "metric" ? /^[a-zA-Z_:][a-zA-Z0-9_:]*$/ : /^[a-zA-Z_][a-zA-Z0-9_]*$/;
  if (!legal.test(name)) {
    const shown = name === "" ? "an empty name" : JSON.stringify(name);
    const message = `${shown} is not made of letters, digits and _, a letter first`;
    warnings.push({ rule: "characters", message, suggestion: makeLegal(name, kind) });
  }
  if (name.startsWith("__")) {
    const suggestion = makeLegal(name.replace(/^_+/, ""), kind);
    warnings.push({ rule: "reserved-prefix", message: `${name} begins with __, which is reserved`, suggestion });
  }
  if (/[A-Z]/.test(name)) {
    warnings.push({
      rule: "snake-case",
      message: `${name} has capitals, want snake_case`,
      suggestion: toSnakeCase(name),
    });
  }
  return warnings;
}

function makeLegal(name: string, kind: "metric" | "label"): string | null {
  const illegal = kind === "metric" ? /[^a-zA-Z0-9_:]+/g : /[^a-zA-Z0-9_]+/g;
  const legal = name.replace(illegal, "_").replace(/^_+|_+$/g, "");
  if (legal === "") return null;
  return /^\d/.test(legal) ? `_${legal}` : legal;
}

/** `requestHTTPCount` is `request_http_count`. */
function toSnakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase();
}

function checkUnits(
  name: string,
  stem: readonly string[],
  join: (words: readonly string[]) => string,
  unit: string,
  warn: Warn,
): void {
  const wanted = wordOfUnit(unit);
  if (isScaledUnit(unit)) {
    warn("base-unit", `${name} is measured in ${unit}: measure in ${wanted}, every query counts on it`, null);
  }
  let unitAt = -1;
  let isMended = true;
  for (const [at, word] of stem.entries()) {
    const read = unitOfWord(word.toLowerCase());
    // An abbreviation that stands first is something else (d_…), as for promtool.
    if (read === null || (at === 0 && read.kind === "abbreviated")) continue;
    unitAt = at;
    if (read.kind === "base") continue;
    isMended = false;
    const suggestion = join(stem.with(at, read.base));
    if (read.kind === "scaled") {
      warn("base-unit", `${name} is in ${word}: measure in ${read.base}, every query counts on it`, suggestion);
    } else {
      warn("abbreviated-unit", `${name} abbreviates its unit ${word}: want ${read.base}`, suggestion);
    }
  }
  if (!isMended) return;
  if (unitAt === -1) {
    const missing = wanted !== "" ? wanted : (BASE_BY_QUANTITY.get(stem[stem.length - 1] as string) ?? "");
    if (missing !== "") warn("unit-missing", `${name} does not say its unit, ${missing}`, join([...stem, missing]));
    return;
  }
  const word = stem[unitAt] as string;
  const others = stem.filter((_, at) => at !== unitAt);
  if (wanted !== "" && wanted !== word.toLowerCase()) {
    const message = `${name} says ${word}, its unit ${JSON.stringify(unit)} says ${wanted}`;
    warn("unit-differs", message, join([...others, wanted]));
  } else if (unitAt < stem.length - 1) {
    warn("unit-not-last", `${name} has its unit ${word} inside, want it last`, join([...others, word]));
  }
}

const RESERVED_SUFFIXES: ReadonlySet<string> = new Set(["bucket", "sum", "count"]);
const TYPE_WORDS: ReadonlySet<string> = new Set(["counter", "gauge", "histogram", "summary"]);

/** Words of labels that have a value for each user, session, request. */
const UNBOUNDED_WORDS: ReadonlySet<string> = new Set([
  "id",
  "uuid",
  "guid",
  "email",
  "mail",
  "url",
  "uri",
  "query",
  "ip",
  "token",
  "timestamp",
]);
