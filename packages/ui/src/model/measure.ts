/**
 * What the values of an answer are: bytes, seconds, requests a second. Only names can tell, by the conventions for them
 * (`…_bytes`, `…_seconds`, `…_requests_total`): those of the series if they kept theirs, else those in the query.
 */
import type { Labels } from "./labels.ts";
import type { Unit } from "./number-format.ts";

export interface Measure {
  readonly unit: Unit;
  /** Behind a value or above an axis: `requests/s`; "" if there is nothing to add. */
  readonly noun: string;
}

const PLAIN: Measure = { unit: "number", noun: "" };

/** `sets` are the labels of the answer's series. */
export function measureOf(query: string, sets: readonly Labels[]): Measure {
  const names = sets.map((labels) => labels.find(([label]) => label === "__name__")?.[1] ?? "");
  const isNamed = names.length > 0 && names.every((name) => name !== "");
  return isNamed ? commonMeasure(names.map(measureOfName)) : measureOfQuery(query);
}

/** Seconds since 1970 are no duration. */
const TIME_NAME = /_time(?:stamp)?_seconds$/;

function measureOfName(name: string): Measure {
  if (name.endsWith("_bytes")) return { unit: "bytes", noun: "" };
  if (name.endsWith("_seconds") && !TIME_NAME.test(name)) return { unit: "seconds", noun: "" };
  return PLAIN;
}

/** Functions whose result is measured in what their argument is. Any other makes a guess impossible. */
const KEEPING = new Set(
  (
    "abs avg avg_over_time bottomk ceil clamp_max clamp_min default delta floor histogram_quantile keep_last_value " +
    "label_replace label_set last_over_time max max_over_time median median_over_time min min_over_time quantile " +
    "quantile_over_time round running_max running_min sort sort_desc sum topk topk_avg topk_max union"
  ).split(" "),
);
const RATES = new Set(["deriv", "irate", "rate"]);
/** Words that are no metric although nothing is called. */
const WORDS = new Set(["by", "without", "offset", "keep_metric_names", "limit", "or", "and", "unless", "inf", "nan"]);

/** Texts, filters, windows, and the labels that grouping names. */
const NO_NAMES = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without)\s*\([^)]*\)/gi;
const NUMBERS = /(?<![\w:.])[\d.]+(?:e[+-]?\d+|[a-z]+)*/gi;
const WORD = /[a-z_][\w:.]*(\s*\()?/gi;

/** From a query's text alone: it need not be one that can be parsed. */
function measureOfQuery(query: string): Measure {
  const text = query.replace(NO_NAMES, " ").replace(NUMBERS, " ");
  // A product or a quotient has another unit than its parts.
  if (/[*/%^<>=]/.test(text)) return PLAIN;
  const calls = new Set<string>();
  const names: string[] = [];
  for (const [word, isCall] of text.matchAll(WORD)) {
    if (isCall !== undefined) calls.add(word.slice(0, -isCall.length).toLowerCase());
    else if (!WORDS.has(word.toLowerCase())) names.push(word);
  }
  const isRate = [...calls].some((name) => RATES.has(name));
  if (names.length === 0 || ![...calls].every((name) => KEEPING.has(name) || RATES.has(name))) return PLAIN;
  // A quantile is found in the buckets' own unit, whether or not their growth was counted.
  if (calls.has("histogram_quantile")) {
    return commonMeasure(names.map((name) => measureOfName(name.replace(/_bucket$/, ""))));
  }
  return commonMeasure(names.map(isRate ? measureOfRate : measureOfName));
}

/** `http_requests_total` grows by requests a second, `sent_bytes_total` by bytes a second. */
function measureOfRate(name: string): Measure {
  const noun = /(?:^|_)([a-z]+)(?:_total)?$/.exec(name)?.[1] ?? "";
  if (noun === "bytes") return { unit: "bytes", noun: "/s" };
  // Seconds of work a second are a share, and a bucket's or a count's last word says nothing of what is counted.
  if (!name.endsWith("_total") || noun === "seconds" || noun === "total") return PLAIN;
  return { unit: "number", noun: `${noun}/s` };
}

function commonMeasure(measures: readonly Measure[]): Measure {
  const [first = PLAIN] = measures;
  return measures.every(({ unit, noun }) => unit === first.unit && noun === first.noun) ? first : PLAIN;
}
