/**
 * OpenMetrics 1.0, which Prometheus asks for first. Stricter than text 0.0.4: a family's type binds its names and values.
 *
 *     # TYPE http_requests counter          the family's name goes without `_total`
 *     # HELP http_requests Answered.
 *     http_requests_total{method="GET"} 17  the sample's name has it, always
 *     # EOF                                 without it a reader must throw everything away
 *
 * What breaks a rule of its type is shown as `unknown`, under the very names it has in text 0.0.4: nothing is left out, and a series is
 * called the same whichever format a scraper asks for (counters without `_total` apart). That holds for
 *
 * - histograms with `vmrange` buckets, or whose buckets are not cumulative up to `le="+Inf"`, or below zero beside a sum;
 * - counters and sums that are NaN or negative, quantiles that are negative;
 * - families that would meet in a name: the counter `jobs_total` reserves `jobs` and `jobs_created`, so beside a gauge `jobs` it
 *   steps back.
 *
 * Source: the specification, "Metric Types", "Suffixes", "Canonical Numbers", "MetricFamily metadata".
 */
import type { Family, FamilyType, Sample } from "./family.ts";
import { findOwnLabel, stripOwnLabel } from "./sample-names.ts";
import { formatSample } from "./text-format.ts";

export const OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** `families` in their order, each name at most once, no two with equal sample names (joinFamilies sees to both). */
export function writeOpenMetrics(families: readonly Family[]): string {
  const typed = families.filter((family) => family.samples.length > 0).map((family) => new TypedFamily(family));
  const claims = new Map<string, number>();
  for (const family of typed) {
    for (const name of family.claimedNames()) claims.set(name, (claims.get(name) ?? 0) + 1);
  }
  let text = "";
  for (const family of typed) {
    // All who meet in a name step back, not the later one: what a family is shown as must not depend on the order. A gauge has no
    // name to give up, and the names that are left are those of text 0.0.4, which do not meet.
    if (family.claimedNames().some((name) => (claims.get(name) as number) > 1)) family.stepBack();
    text += family.write();
  }
  return `${text}# EOF\n`;
}

/** The float as Go prints it by %g, with `.0` where it would look like an integer: 0.001, 1.0, 100000.0, 1e+06, 1e-05. */
export function formatCanonical(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 6) {
    const size = Math.abs(power);
    return `${digits}e${power < 0 ? "-" : "+"}${size < 10 ? "0" : ""}${size}`;
  }
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** A family and what it may be shown as. */
class TypedFamily {
  readonly #family: Family;
  readonly #samples: readonly Sample[];
  #type: FamilyType;
  /** The family's name on its metadata lines, unless it is unknown. */
  readonly #name: string;

  constructor(family: Family) {
    this.#family = family;
    this.#name = family.type === "counter" && family.name.endsWith("_total") ? family.name.slice(0, -6) : family.name;
    const canonical = withCanonicalLabels(family);
    this.#samples = canonical ?? family.samples;
    this.#type = this.#name !== "" && canonical !== null && keepsRules(family) ? family.type : "unknown";
  }

  claimedNames(): string[] {
    if (this.#type === "unknown") return this.#plainNames();
    return RESERVED_SUFFIXES[this.#type].map((suffix) => this.#name + suffix);
  }

  stepBack(): void {
    if (this.#type !== "gauge") this.#type = "unknown";
  }

  write(): string {
    if (this.#type !== "unknown") {
      let text = this.#metadata(this.#name);
      for (const { suffix, labels, value } of this.#samples) {
        text += formatSample(this.#name + (this.#type === "counter" ? "_total" : suffix), labels, value);
      }
      return text;
    }
    let text = "";
    for (const name of this.#plainNames()) {
      text += this.#metadata(name);
      for (const { suffix, labels, value } of this.#samples) {
        if (this.#family.name + suffix === name) text += formatSample(name, labels, value);
      }
    }
    return text;
  }

  /** As in text 0.0.4, in the order in which they first appear. */
  #plainNames(): string[] {
    const suffixes = new Set<string>();
    for (const sample of this.#family.samples) suffixes.add(sample.suffix);
    return [...suffixes].map((suffix) => this.#family.name + suffix);
  }

  #metadata(name: string): string {
    const { help, unit } = this.#family;
    let text = `# TYPE ${name} ${this.#type}\n`;
    if (unit !== "" && name.endsWith(`_${unit}`)) text += `# UNIT ${name} ${unit}\n`;
    if (help !== "") text += `# HELP ${name} ${escapeHelp(help)}\n`;
    return text;
  }
}

/** The empty one is the family's own name: no two families may share it, also where no sample bears it. */
const RESERVED_SUFFIXES: Readonly<Record<Exclude<FamilyType, "unknown">, readonly string[]>> = {
  counter: ["", "_total", "_created"],
  gauge: [""],
  histogram: ["", "_bucket", "_sum", "_count", "_created"],
  summary: ["", "_sum", "_count", "_created"],
};

function keepsRules(family: Family): boolean {
  switch (family.type) {
    case "histogram":
      return areSeriesTogether(family.samples) && keepsHistogramRules(family.samples);
    case "summary":
      return areSeriesTogether(family.samples) && family.samples.every(keepsSummaryRules);
    case "counter":
      return family.samples.every(({ suffix, value }) => suffix === "" && value >= 0);
    default:
      return family.samples.every(({ suffix }) => suffix === "");
  }
}

/** "Metrics MUST NOT be interleaved." */
function areSeriesTogether(samples: readonly Sample[]): boolean {
  const seen = new Set<string>();
  let current: string | null = null;
  for (const { labels } of samples) {
    const series = stripOwnLabel(labels);
    if (series === current) continue;
    if (seen.has(series)) return false;
    seen.add(series);
    current = series;
  }
  return true;
}

function keepsSummaryRules({ suffix, labels, value }: Sample): boolean {
  switch (suffix) {
    case "": {
      const quantile = parseBound(labels, "quantile=");
      return quantile >= 0 && quantile <= 1 && !(value < 0);
    }
    case "_sum":
      return value >= 0;
    case "_count":
      return value >= 0 && Number.isInteger(value);
    default:
      return false;
  }
}

/** Series by series: ascending bounds up to +Inf, cumulative whole counts; a sum and a count together or none, and the count is the last bucket. */
function keepsHistogramRules(samples: readonly Sample[]): boolean {
  let series: string | null = null;
  let bound = Number.NEGATIVE_INFINITY;
  let cumulative = 0;
  let hasNegativeBound = false;
  let sums = 0;
  let counts = 0;
  const endsWell = (): boolean =>
    series === null ||
    (bound === Number.POSITIVE_INFINITY && sums === counts && sums <= 1 && !(hasNegativeBound && sums > 0));
  for (const { suffix, labels, value } of samples) {
    const base = suffix === "_bucket" ? stripOwnLabel(labels) : labels;
    if (base !== series) {
      if (!endsWell()) return false;
      series = base;
      bound = Number.NEGATIVE_INFINITY;
      cumulative = sums = counts = 0;
      hasNegativeBound = false;
    }
    if (suffix === "_bucket") {
      const next = parseBound(labels, "le=");
      if (!(next > bound) || !(value >= cumulative) || !Number.isInteger(value)) return false;
      if (next < 0) hasNegativeBound = true;
      bound = next;
      cumulative = value;
    } else if (suffix === "_sum") {
      if (!(value >= 0)) return false;
      sums++;
    } else if (suffix === "_count") {
      if (value !== cumulative) return false;
      counts++;
    } else return false;
  }
  return endsWell();
}

/**
 * The samples with bounds and quantiles in canonical form, also in a family that will step back: a series keeps its name. Null
 * where two would become one (`0.5` and `0.50`).
 */
function withCanonicalLabels({ type, samples }: Family): readonly Sample[] | null {
  if (type !== "histogram" && type !== "summary") return samples;
  const distinct = new Set<string>();
  const known = new Map<string, string>();
  let isChanged = false;
  const canonical = samples.map((sample) => {
    const labels = canonicalLabels(sample.labels, known);
    distinct.add(sample.suffix + labels);
    if (labels === sample.labels) return sample;
    isChanged = true;
    return { suffix: sample.suffix, labels, value: sample.value };
  });
  if (!isChanged) return samples;
  return distinct.size === samples.length ? canonical : null;
}

/** `known` holds the bounds met so far: a family has few, and each in every series. */
function canonicalLabels(labels: string, known: Map<string, string>): string {
  const start = findOwnLabel(labels);
  if (start < 0 || labels.startsWith("vmrange=", start)) return labels;
  const label = labels.slice(start);
  let canonical = known.get(label);
  if (canonical === undefined) {
    const [name = "", text = ""] = label.slice(0, -1).split('="');
    const value = parseNumber(text);
    canonical = Number.isNaN(value) ? label : `${name}="${formatCanonical(value)}"`;
    known.set(label, canonical);
  }
  return canonical === label ? labels : labels.slice(0, start) + canonical;
}

/** The number in the label `name` at the end of `labels`; NaN if there is none. */
function parseBound(labels: string, name: "le=" | "quantile="): number {
  const start = findOwnLabel(labels);
  return start >= 0 && labels.startsWith(name, start)
    ? parseNumber(labels.slice(start + name.length + 1, -1))
    : Number.NaN;
}

/** NaN for what is no number of the formats, also for the empty text. */
function parseNumber(text: string): number {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function escapeHelp(help: string): string {
  return help.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}
