/**
 * What may differ between our answers to random queries and those of VictoriaMetrics 1.79.5, each with its reason: mistakes of
 * 1.79.5, what later releases changed, what depends on the machine. A query that one of these fits may differ; it need not.
 */
export interface KnownDifference {
  readonly reason: string;
  /** Of the query's text. */
  readonly query: RegExp;
  /** What is said where one of the two refuses the query; a rule without it is about answers only. */
  readonly refusal?: RegExp;
  /** It is about refusals only. */
  readonly isRefusal?: boolean;
}

const COUNTED = "(?:rate|increase|increase_pure|increase_prometheus|remove_resets)";

export const RANDOM_DIFFERENCES: readonly KnownDifference[] = [
  {
    reason: "1.79.5 loses further arguments of a rollup without window inside an aggregate",
    query: /_over_time\(|hoeffding|holt_winters|predict_linear/,
    refusal: /number of args|at least \d args/,
    isRefusal: true,
  },
  {
    reason: "zscore() keeps names by now, as topk() does; without them series may be equal",
    query: /\bzscore\(/,
    refusal: /duplicate/,
  },
  {
    reason: "1.79.5 leaves labels that functions have emptied, and reuses the memory of those that were dropped",
    query: /label_(transform|lowercase|uppercase|copy|map|replace)\(/,
  },
  {
    reason: "1.79.5 spreads range_* over the points that have a value; all points have it since v1.104.0",
    query: /\brange_(first|last|median|quantile|avg|min|max|sum)\(/,
  },
  {
    reason: "counters of which resets are removed do not fall by now (v1.97.0): not below 0, nor by a last digit",
    query: new RegExp(`${COUNTED}\\(.*(negative_gauge|temperature_celsius|node_load1|\\)\\[)`),
  },
  {
    reason:
      "1.79.5 estimates the distance of samples from the first 20, now from the last 20; in instant queries, and at the one time of @, the step counts now (v1.108.1)",
    query: /irregular_total|job="edge"|flapping_gauge|\[.*@.*\]|@.*\[.*:/,
    refusal: /duplicate/,
  },
  {
    reason:
      "1.79.5 reads 5 minutes more for every function, current releases for those that look at the previous sample",
    query: /holt_winters\(|mode_over_time\(/,
  },
  {
    reason: "a series that has ended grows no more: 1.79.5 answers 0 for increase_pure, and integrates on (v1.145.0)",
    query: /(increase_pure|integrate)\(.*(short_lived_gauge|offset|@|\[)/,
    refusal: /duplicate/,
  },
  {
    reason: "1.79.5 lets filters of one side of `default` and `ifnot` into the other, so points vanish (v1.113.0)",
    query: /\b(default|ifnot)\b/,
    refusal: /duplicate/,
  },
  {
    reason:
      "VictoriaMetrics reads only those series of the right side whose labels the left has, so a side that comes to one series without labels vanishes",
    query: /\bif\b|sum\(.*\) by .* avg\(.*\) by|group_left|unless.*rollup/,
  },
  {
    reason: "what of the right side of `or` is shown where a left series has the same labels (v1.104.0)",
    query: /\bor\b/,
    refusal: /duplicate/,
  },
  {
    reason: "1.79.5 adds the label `rollup` a second time where there is one; here it takes the other's place",
    query: /(rollup|aggr_over_time).*(rollup|aggr_over_time)/,
    refusal: /duplicate/,
    isRefusal: true,
  },
  {
    reason: "lists of numbers keep all members since v1.101.0, so series without labels are not made one",
    query: /union\(|\(.*, /,
    refusal: /duplicate output timeseries: \{\}/,
    isRefusal: true,
  },
  {
    reason:
      "1.79.5 forgets to turn back the offset of absent_over_time, and takes an aggregate of it for absent_over_time itself",
    query: /absent_over_time\(.*offset|\w+\(absent_over_time\(/,
  },
  {
    reason:
      "last digits decide: sines of large numbers; what changes, is equal or falls into a bucket among computed values",
    query:
      /\b(sin|cos|tan|changes\w*|\w+creases_over_time|resets|mode\w*|distinct\w*|histogram\w*|t\w+_over_time|outliers_\w+|i?deriv\w*|i?delta)\(.*\(/,
  },
  {
    reason: "a list beside == or != is a set since v1.101.0",
    query: /(union\(|, ).*(==|!=)|(==|!=).*(union\(|, )/,
  },
  {
    reason: "NaN ^ 0 is NaN since v1.107.0",
    query: /\^ /,
  },
  {
    reason: "a duration is a number here: 5m < m answers m's points, as 300 < m does",
    query: /\b5m (==|!=|[<>]=?) (bool )?\(/,
  },
  {
    reason: "1.79.5 shows bounds of 0 where there is no quantile",
    query: /"bound"/,
  },
  {
    reason: "what an infinity is as a whole number depends on the processor; bits of NaN are NaN since v1.94.0",
    query: /(days_in_month|day_of_month|day_of_week|hour|minute|month|year|bitmap_\w+)\(/,
    refusal: /duplicate/,
  },
];

/** The difference that may explain it; `refusal` is what one of the two said instead of an answer. */
export function knownDifference(query: string, refusal: string | null): KnownDifference | null {
  const explains = (one: KnownDifference): boolean => {
    if (!one.query.test(query)) return false;
    return refusal === null ? one.isRefusal !== true : one.refusal?.test(refusal) === true;
  };
  return RANDOM_DIFFERENCES.find(explains) ?? null;
}
