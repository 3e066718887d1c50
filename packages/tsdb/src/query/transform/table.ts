/**
 * Every transform and label function, one entry each. They take evaluated lists and own them, so most change columns and labels in
 * place. `points(…)` ones drop the metric name unless keep_metric_names is written; the others say what happens to it.
 * Rules: MetricsQL manual, "Transform functions" and "Label manipulation functions"; where manual and server differ, the server.
 */
import { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { Random } from "../../base/random.ts";
import { compileRegex, compileSearchRegex } from "../../base/regex.ts";
import type { Expr, FunctionExpr } from "../../metricsql/ast.ts";
import { readCount, readScalar, readString } from "../arguments.ts";
import type { EvalContext, QueryRun } from "../context.ts";
import { dropLabels, joinTexts, keepLabels, labelsKey, withLabel, withoutName } from "../label-edit.ts";
import { formatShort, readNumber } from "../number-text.ts";
import { filterPaced, sortPaced } from "../pace.ts";
import { absentLabels } from "../rollup/eval-rollup.ts";
import { constantSeries, isBlank, isScalarList, type Series } from "../series.ts";
import { bucketsFromRanges, limitBuckets } from "./buckets.ts";
import { histogramFraction, histogramMoment, histogramQuantile, histogramShare } from "./histogram.ts";
import { dropCommonLabels, graphiteGroup, readPattern, replaceLabel, sortByLabels } from "./labels.ts";
import { combineBits, roundColumn } from "./math.ts";
import * as ranges from "./ranges.ts";
import { DATE_PARTS, type DatePartName, replaceByDatePart, zoneOffsets } from "./time.ts";

/** A call with its arguments evaluated. Readers throw InputError 422 when an argument is not what is wanted. */
export class TransformCall {
  readonly context: EvalContext;
  readonly expr: FunctionExpr;
  readonly args: readonly Series[][];

  constructor(context: EvalContext, expr: FunctionExpr, args: readonly Series[][]) {
    this.context = context;
    this.expr = expr;
    this.args = args;
  }

  get count(): number {
    return this.args.length;
  }

  list(i: number): Series[] {
    return this.args[i] as Series[];
  }

  scalar(i: number): Float64Array {
    return readScalar(this.list(i), this.expr.name, i + 1);
  }

  /** A scalar's first point. */
  first(i: number): number {
    return this.scalar(i)[0] as number;
  }

  /** A scalar's first point as a whole number. */
  whole(i: number): number {
    return readCount(this.list(i), this.expr.name, i + 1);
  }

  text(i: number): string {
    return readString(this.list(i), this.expr.name, i + 1);
  }

  /** "" when the argument was not given. */
  optionalText(i: number): string {
    return i < this.count ? this.text(i) : "";
  }

  texts(from: number): string[] {
    return this.args.slice(from).map((_, i) => this.text(from + i));
  }

  constant(value: number): Series[] {
    return [constantSeries(this.context.points, value)];
  }
}

export interface TransformEntry {
  /** Fewest and most arguments. */
  readonly min: number;
  readonly max: number;
  apply(call: TransformCall): Series[] | Promise<Series[]>;
}

const MANY: number = Number.POSITIVE_INFINITY;

function entry(min: number, max: number, apply: (call: TransformCall) => Series[] | Promise<Series[]>): TransformEntry {
  return { min, max, apply };
}

/** f(q) point by point; NaN comes out as whatever `compute` makes of it. */
function points(compute: (v: number) => number): TransformEntry {
  return columns(1, 1, () => (values) => {
    for (let k = 0; k < values.length; k++) values[k] = compute(values[k] as number);
  });
}

/** f(q, …) column by column; the name goes unless asked to stay. */
function columns(
  min: number,
  max: number,
  prepare: (call: TransformCall) => (values: Float64Array) => void,
): TransformEntry {
  return entry(min, max, (call) => eachColumn(call, call.list(0), prepare(call), "asked"));
}

/** The same, name kept. `at` is the position of q. */
function keeping(
  min: number,
  max: number,
  prepare: (call: TransformCall) => (values: Float64Array) => void,
  at = 0,
): TransformEntry {
  return entry(min, max, (call) => eachColumn(call, call.list(at), prepare(call), "kept"));
}

/** The same, name dropped whatever is asked. */
function dropping(prepare: (call: TransformCall) => (values: Float64Array) => void): TransformEntry {
  return entry(1, 1, (call) => eachColumn(call, call.list(0), prepare(call), "dropped"));
}

async function eachColumn(
  call: TransformCall,
  list: Series[],
  change: (values: Float64Array) => void,
  name: "kept" | "asked" | "dropped",
): Promise<Series[]> {
  const isKept = name === "kept" || (name === "asked" && call.expr.keepMetricNames);
  for (const series of list) {
    if (!isKept) series.labels = withoutName(series.labels);
    change(series.values);
    if (call.context.run.isDue()) await call.context.run.breathe();
  }
  return list;
}

/** f(q, …) that changes labels only. */
function labels(
  min: number,
  max: number,
  prepare: (call: TransformCall) => (labels: Labels) => Labels,
): TransformEntry {
  return entry(min, max, async (call) => {
    const { run } = call.context;
    const change = prepare(call);
    for (const series of call.list(0)) {
      const before = series.labels;
      series.labels = change(before);
      run.countLabels(before, series.labels);
      if (run.isDue()) await run.breathe();
    }
    return call.list(0);
  });
}

/** f() or f(q): a part of the date of q, or of the output time. */
function datePart(part: DatePartName): TransformEntry {
  return entry(0, 1, (call) => {
    const list = call.count === 0 ? timeSeries(call) : call.list(0);
    return eachColumn(call, list, (values) => replaceByDatePart(values, DATE_PARTS[part]), "asked");
  });
}

function constant(value: (call: TransformCall) => number): TransformEntry {
  return entry(0, 0, (call) => call.constant(value(call)));
}

function timeSeries(call: TransformCall): Series[] {
  return [{ labels: Labels.empty, values: call.context.timestamps().map((ms) => ms / 1000) }];
}

/** rand([seed]): without a seed the query's time is one. VictoriaMetrics' sequence is Go's and not repeated here. */
function randoms(draw: (random: Random) => number): TransformEntry {
  return entry(0, 1, (call) => {
    const seed = call.count === 1 ? Math.trunc(call.first(0)) : Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed | 0);
    const values = new Float64Array(call.context.points);
    for (let k = 0; k < values.length; k++) values[k] = draw(random);
    return [{ labels: Labels.empty, values }];
  });
}

/** `k1, v1, k2, v2, …` from argument `from` on. */
function pairsFrom(call: TransformCall, from: number): [string, string][] {
  const texts = call.texts(from);
  if (texts.length % 2 !== 0) {
    throw new InputError(`${call.expr.name}: want pairs of strings, got ${texts.length} strings`, 422);
  }
  const pairs: [string, string][] = [];
  for (let i = 0; i < texts.length; i += 2) pairs.push([texts[i] as string, texts[i + 1] as string]);
  return pairs;
}

/** label_copy and label_move: an empty source is left alone. */
function copying(isMove: boolean): TransformEntry {
  return labels(1, MANY, (call) => {
    const pairs = pairsFrom(call, 1);
    return (from) => {
      let result = from;
      for (const [source, target] of pairs) {
        const value = result.get(source);
        if (value === "") continue;
        result = withLabel(result, target, value);
        if (isMove && source !== target) result = withLabel(result, source, "");
      }
      return result;
    };
  });
}

/** label_uppercase, label_lowercase */
function recasing(change: (text: string) => string): TransformEntry {
  return labels(2, MANY, (call) => {
    const names = call.texts(1);
    return (from) => names.reduce((result, name) => withLabel(result, name, change(result.get(name))), from);
  });
}

/** label_match, label_mismatch: series whose label matches as a whole, or does not. */
function matching(wanted: boolean): TransformEntry {
  return entry(3, 3, async (call) => {
    const { run } = call.context;
    const label = call.text(1);
    const regex = readPattern(compileRegex, call.text(2), call.expr.name);
    const kept: Series[] = [];
    for (const series of call.list(0)) {
      if (regex.matches(series.labels.get(label)) === wanted) kept.push(series);
      if (run.isDue()) await run.breathe();
    }
    return kept;
  });
}

/** sort, sort_desc: by the last point; where equal or missing in both, by the one before. Series without a value first. */
function sorting(sign: 1 | -1): TransformEntry {
  return entry(1, 1, (call) =>
    sortPaced(call.context.run, call.list(0), (a, b) => {
      for (let k = a.values.length - 1; k >= 0; k--) {
        const x = a.values[k] as number;
        const y = b.values[k] as number;
        if (x === x && y === y && x !== y) return x < y ? -sign : sign;
        if ((x === x) !== (y === y)) return x === x ? 1 : -1;
      }
      return 0;
    }),
  );
}

function sortingByLabel(isNumeric: boolean, sign: 1 | -1): TransformEntry {
  return entry(2, MANY, (call) => sortByLabels(call.context.run, call.list(0), call.texts(1), isNumeric, sign));
}

/** range_*: one number over the whole range, at every point. */
function wholeRange(compute: (values: Float64Array) => number): TransformEntry {
  return keeping(1, 1, () => (values) => {
    values.fill(compute(values));
  });
}

/** Columns of their own. */
async function copyList(run: QueryRun, list: readonly Series[]): Promise<Series[]> {
  run.reserveColumns(list.length, list[0]?.values.length ?? 0);
  const copies: Series[] = [];
  for (const { labels, values } of list) {
    copies.push({ labels, values: values.slice() });
    if (run.isDue()) await run.breathe();
  }
  return copies;
}

function dropBlankPaced(call: TransformCall, i: number): Promise<Series[]> {
  return filterPaced(call.context.run, call.list(i), ({ values }) => !isBlank(values));
}

const ENTRIES: Record<string, TransformEntry> = {
  /** abs(q): without the sign. */
  abs: points(Math.abs),
  /**
   * absent(q): 1 at the points where no series of q has a value. One series, with the labels that `=` filters say if q
   * is a plain selector.
   */
  absent: entry(1, 1, async (call) => {
    const { run } = call.context;
    const arg = call.expr.args[0] as Expr;
    const values = new Float64Array(call.context.points).fill(1);
    for (const series of call.list(0)) {
      if (run.isDue()) await run.breathe();
      for (let k = 0; k < values.length; k++) if (series.values[k] === series.values[k]) values[k] = Number.NaN;
    }
    return [{ labels: arg.kind === "selector" ? absentLabels(arg) : Labels.empty, values }];
  }),
  /** acos(q): arc cosine in radians; nothing outside [-1, 1]. */
  acos: points(Math.acos),
  /** acosh(q): inverse hyperbolic cosine; nothing below 1. */
  acosh: points(Math.acosh),
  /** alias(q, "name"): names all series so. */
  alias: labels(2, 2, (call) => {
    const name = call.text(1);
    return (from) => withLabel(from, "__name__", name);
  }),
  /** asin(q): arc sine in radians; nothing outside [-1, 1]. */
  asin: points(Math.asin),
  /** asinh(q): inverse hyperbolic sine. */
  asinh: points(Math.asinh),
  /** atan(q): arc tangent in radians. Of two numbers: the operator `atan2`. */
  atan: points(Math.atan),
  /** atanh(q): inverse hyperbolic tangent; nothing outside [-1, 1]. */
  atanh: points(Math.atanh),
  /** bitmap_and(q, mask): bits set in both, of whole numbers below 2^64; fractions are cut off. */
  bitmap_and: columns(2, 2, (call) => (values) => combineBits(values, call.scalar(1), (a, b) => a & b)),
  /** bitmap_or(q, mask): bits set in either. */
  bitmap_or: columns(2, 2, (call) => (values) => combineBits(values, call.scalar(1), (a, b) => a | b)),
  /** bitmap_xor(q, mask): bits set in one of them only. */
  bitmap_xor: columns(2, 2, (call) => (values) => combineBits(values, call.scalar(1), (a, b) => a ^ b)),
  /**
   * buckets_limit(limit, buckets): merges the `le` buckets of each histogram until `limit` are left, at least 3, those
   * with the fewest observations first. An error for limit ≤ 0. Keeps the name.
   */
  buckets_limit: entry(2, 2, (call) => {
    const limit = call.whole(0);
    if (limit <= 0) throw new InputError(`buckets_limit: want a positive number of buckets, got ${limit}`, 422);
    return limitBuckets(call.context.run, call.list(1), Math.max(limit, 3));
  }),
  /** ceil(q): up to a whole number. Keeps the name. */
  ceil: keeping(1, 1, () => (values) => {
    for (let k = 0; k < values.length; k++) values[k] = Math.ceil(values[k] as number);
  }),
  /** clamp(q, min, max): at least min and at most max; max wins where they cross. Keeps the name. */
  clamp: keeping(3, 3, (call) => {
    const [low, high] = [call.scalar(1), call.scalar(2)];
    return (values) => {
      for (let k = 0; k < values.length; k++) {
        const v = values[k] as number;
        if (v > (high[k] as number)) values[k] = high[k] as number;
        else if (v < (low[k] as number)) values[k] = low[k] as number;
      }
    };
  }),
  /** clamp_max(q, max): at most max. Keeps the name. */
  clamp_max: keeping(2, 2, (call) => {
    const high = call.scalar(1);
    return (values) => {
      for (let k = 0; k < values.length; k++)
        if ((values[k] as number) > (high[k] as number)) values[k] = high[k] as number;
    };
  }),
  /** clamp_min(q, min): at least min. Keeps the name. */
  clamp_min: keeping(2, 2, (call) => {
    const low = call.scalar(1);
    return (values) => {
      for (let k = 0; k < values.length; k++)
        if ((values[k] as number) < (low[k] as number)) values[k] = low[k] as number;
    };
  }),
  /** cos(q): cosine of radians. */
  cos: points(Math.cos),
  /** cosh(q): hyperbolic cosine. */
  cosh: points(Math.cosh),
  /**
   * day_of_month([q]): 1 to 31, of q as seconds since 1970, in UTC; of the output time without q.
   */
  day_of_month: datePart("day_of_month"),
  /** day_of_week([q]): 0, Sunday, to 6. */
  day_of_week: datePart("day_of_week"),
  /** day_of_year([q]): 1 to 366. */
  day_of_year: datePart("day_of_year"),
  /** days_in_month([q]): 28 to 31. */
  days_in_month: datePart("days_in_month"),
  /** deg(q): radians to degrees. */
  deg: points((v) => (v * 180) / Math.PI),
  /** drop_common_labels(q, …): without the labels, name included, that have the same value in all series. */
  drop_common_labels: entry(1, MANY, async (call) => {
    const pooled = call.args.flat();
    await dropCommonLabels(call.context.run, pooled);
    return pooled;
  }),
  /**
   * drop_empty_series(q): without series that have no value at any point; a `default` behind it then does not fill
   * them. Keeps the name.
   */
  drop_empty_series: entry(1, 1, (call) => dropBlankPaced(call, 0)),
  /** end(): last time of the query, or of the subquery around it, in seconds since 1970. */
  end: constant((call) => call.context.endMs / 1000),
  /** exp(q): exponential function, e^q. */
  exp: points(Math.exp),
  /** floor(q): down to a whole number. Keeps the name. */
  floor: keeping(1, 1, () => (values) => {
    for (let k = 0; k < values.length; k++) values[k] = Math.floor(values[k] as number);
  }),
  /**
   * histogram_avg(buckets): mean of the observations, each taken to lie in the middle of its bucket; those beyond the
   * last finite bound do not count.
   */
  histogram_avg: entry(1, 1, (call) => histogramMoment(call.context.run, call.list(0), "avg")),
  /**
   * histogram_fraction(low, high, buckets): part of the observations between two values, in proportion within a bucket.
   * An error unless low < high at the first point.
   */
  histogram_fraction: entry(3, 3, (call) => {
    if (call.first(0) >= call.first(1)) {
      throw new InputError(`histogram_fraction: want low < high, got ${call.first(0)} and ${call.first(1)}`, 422);
    }
    return histogramFraction(call.context.run, call.list(2), call.scalar(0), call.scalar(1));
  }),
  /**
   * histogram_quantile(phi, buckets [, "bound"]): phi-quantile, 0 ≤ phi ≤ 1, in proportion within a bucket, the first
   * of which starts at 0; the last finite bound for those beyond. Takes `le` and `vmrange` buckets; nothing without
   * observations. With a third argument also the bucket's bounds, labelled so "lower" and "upper".
   */
  histogram_quantile: entry(2, 3, (call) =>
    histogramQuantile(call.context.run, call.list(1), call.scalar(0), call.optionalText(2)),
  ),
  /** histogram_quantiles("label", phi, …, buckets): histogram_quantile of each phi, which stands in the label. */
  histogram_quantiles: entry(3, MANY, async (call) => {
    const label = call.text(0);
    const last = call.count - 1;
    const { run, points } = call.context;
    let held = 0;
    const result: Series[] = [];
    for (let i = 1; i < last; i++) {
      const text = formatShort(call.first(i));
      const copies = await copyList(run, call.list(last));
      const found = await histogramQuantile(run, copies, call.scalar(i), "");
      held += run.holdColumns(found.length, points);
      for (const series of found) {
        series.labels = withLabel(series.labels, label, text);
        result.push(series);
      }
      if (run.isDue()) await run.breathe();
    }
    run.release(held);
    return result;
  }),
  /**
   * histogram_share(le, buckets [, "bound"]): part of the observations that is at most le, in proportion within a
   * bucket: the inverse of histogram_quantile.
   */
  histogram_share: entry(2, 3, (call) =>
    histogramShare(call.context.run, call.list(1), call.scalar(0), call.optionalText(2)),
  ),
  /**
   * histogram_stddev(buckets): standard deviation of the observations, each taken to lie in the middle of its bucket.
   */
  histogram_stddev: entry(1, 1, (call) => histogramMoment(call.context.run, call.list(0), "stddev")),
  /** histogram_stdvar(buckets): variance, likewise. */
  histogram_stdvar: entry(1, 1, (call) => histogramMoment(call.context.run, call.list(0), "stdvar")),
  /** hour([q]): 0 to 23. */
  hour: datePart("hour"),
  /**
   * interpolate(q): straight lines across gaps between two values; nothing before the first and after the last. Keeps
   * the name.
   */
  interpolate: keeping(1, 1, () => ranges.interpolate),
  /** keep_last_value(q): gaps repeat the value before them. Keeps the name. */
  keep_last_value: keeping(1, 1, () => ranges.keepLast),
  /** keep_next_value(q): gaps take the value behind them. Keeps the name. */
  keep_next_value: keeping(1, 1, () => ranges.keepNext),
  /**
   * label_copy(q, "source", "target", …): the target label gets the source's value; nothing happens if that is empty.
   * Keeps the name.
   */
  label_copy: copying(false),
  /** label_del(q, "label", …): without these labels. Keeps the name unless `__name__` is one. */
  label_del: labels(1, MANY, (call) => {
    const listed = new Set(call.texts(1));
    return (from) => dropLabels(from, listed);
  }),
  /**
   * label_graphite_group(q, i, …): the name becomes those parts of itself between dots, counted from 0; missing ones
   * are empty.
   */
  label_graphite_group: labels(2, MANY, (call) => {
    const indexes = call.args.slice(1).map((_, i) => call.whole(i + 1));
    return (from) => graphiteGroup(from, indexes);
  }),
  /**
   * label_join(q, "target", "separator", "source", …): the target label becomes the values of the sources, missing ones
   * empty, joined. Keeps the name.
   */
  label_join: labels(3, MANY, (call) => {
    const [target, separator, ...sources] = call.texts(1) as [string, string, ...string[]];
    return (from) =>
      withLabel(
        from,
        target,
        joinTexts(
          sources.map((source) => from.get(source)),
          separator,
        ),
      );
  }),
  /** label_keep(q, "label", …): with these labels only; the name goes too unless `__name__` is one. */
  label_keep: labels(1, MANY, (call) => {
    const listed = new Set(call.texts(1));
    return (from) => keepLabels(from, listed);
  }),
  /** label_lowercase(q, "label", …): the values of these labels in lower case. Keeps the name. */
  label_lowercase: recasing((text) => text.toLowerCase()),
  /**
   * label_map(q, "label", "from", "to", …): a value of the label that is listed becomes the one behind it. Keeps the
   * name.
   */
  label_map: labels(2, MANY, (call) => {
    const label = call.text(1);
    const mapping = new Map(pairsFrom(call, 2));
    return (from) => withLabel(from, label, mapping.get(from.get(label)) ?? from.get(label));
  }),
  /** label_match(q, "label", "regex"): the series whose label matches as a whole. Keeps the name. */
  label_match: matching(true),
  /** label_mismatch(q, "label", "regex"): the series whose label does not. Keeps the name. */
  label_mismatch: matching(false),
  /** label_move(q, "source", "target", …): label_copy that deletes the source. Keeps the name. */
  label_move: copying(true),
  /**
   * label_replace(q, "target", "replacement", "source", "regex"): where the regex matches the whole value of the source
   * label, the target becomes the replacement, `$1` and `$name` filled in; other series stay as they are. An absent
   * label is empty, and an empty result deletes. Keeps the name.
   */
  label_replace: labels(5, 5, (call) => {
    const [target, template, source, pattern] = call.texts(1) as [string, string, string, string];
    const regex = readPattern(compileSearchRegex, pattern, "label_replace");
    return (from) => replaceLabel(from, target, template, source, regex);
  }),
  /** label_set(q, "label", "value", …): sets labels; an empty value deletes. Keeps the name. */
  label_set: labels(1, MANY, (call) => {
    const pairs = pairsFrom(call, 1);
    return (from) => pairs.reduce((result, [label, value]) => withLabel(result, label, value), from);
  }),
  /**
   * label_transform(q, "label", "regex", "replacement"): replaces every match within the label's value. Keeps the name.
   */
  label_transform: labels(4, 4, (call) => {
    const [label, pattern, template] = call.texts(1) as [string, string, string];
    const regex = readPattern(compileSearchRegex, pattern, "label_transform");
    return (from) => withLabel(from, label, regex.replaceAll(from.get(label), template));
  }),
  /** label_uppercase(q, "label", …): the values of these labels in upper case. Keeps the name. */
  label_uppercase: recasing((text) => text.toUpperCase()),
  /**
   * label_value(q, "label"): the number that the label says, where q has a value; nothing if it says none. Drops the
   * name.
   */
  label_value: entry(2, 2, async (call) => {
    const { run } = call.context;
    const label = call.text(1);
    for (const series of call.list(0)) {
      if (run.isDue()) await run.breathe();
      const number = readNumber(series.labels.get(label));
      series.labels = withoutName(series.labels);
      const { values } = series;
      for (let k = 0; k < values.length; k++) if (values[k] === values[k]) values[k] = number;
    }
    return call.list(0);
  }),
  /** labels_equal(q, "label1", "label2", …): the series for which all these labels have one value. Keeps the name. */
  labels_equal: entry(3, MANY, (call) => {
    const [first, ...others] = call.texts(1) as [string, ...string[]];
    return filterPaced(call.context.run, call.list(0), ({ labels: own }) =>
      others.every((other) => own.get(other) === own.get(first)),
    );
  }),
  /**
   * limit_offset(limit, offset, q): at most `limit` series behind the first `offset`; those without any value do not
   * count. Keeps the name.
   */
  limit_offset: entry(3, 3, async (call) => {
    const offset = Math.max(0, call.whole(1));
    return (await dropBlankPaced(call, 2)).slice(offset, offset + Math.max(0, call.whole(0)));
  }),
  /** ln(q): natural logarithm; -Inf for 0, nothing below. */
  ln: points(Math.log),
  /** log10(q): logarithm to base 10. */
  log10: points(Math.log10),
  /** log2(q): logarithm to base 2. */
  log2: points(Math.log2),
  /** minute([q]): 0 to 59. */
  minute: datePart("minute"),
  /** month([q]): 1 to 12. */
  month: datePart("month"),
  /** now(): when the request came, seconds since 1970, at all points. */
  now: constant((call) => call.context.run.nowMs / 1000),
  /** pi(): 3.14159… */
  pi: constant(() => Math.PI),
  /**
   * prometheus_buckets(buckets): `vmrange` buckets as cumulative `le` ones, which stay as they are; without other
   * series. Keeps the name.
   */
  prometheus_buckets: entry(1, 1, (call) => bucketsFromRanges(call.context.run, call.list(0))),
  /** rad(q): degrees to radians. */
  rad: points((v) => (v * Math.PI) / 180),
  /**
   * rand([seed]): evenly from [0, 1), anew at each point; the same ones for the same seed, though not those of
   * VictoriaMetrics.
   */
  rand: randoms((random) => random.next()),
  /** rand_exponential([seed]): exponentially with mean 1. */
  rand_exponential: randoms((random) => -Math.log(1 - random.next())),
  /** rand_normal([seed]): normally with mean 0 and deviation 1 (Box and Muller's method). */
  rand_normal: randoms((random) => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())),
  /** range_avg(q): mean of all points at every point. Drops the name, even with keep_metric_names. */
  range_avg: dropping(() => (values) => rangeBy(values, ranges.STEPS.avg)),
  /** range_first(q): the first value at every point. Keeps the name. */
  range_first: keeping(1, 1, () => ranges.spreadFirst),
  /** range_last(q): the last value at every point. Keeps the name. */
  range_last: keeping(1, 1, () => ranges.spreadLast),
  /** range_linear_regression(q): the least-squares line through all points, at every point. Keeps the name. */
  range_linear_regression: keeping(1, 1, (call) => (values) => ranges.fitRange(values, call.context.stepMs)),
  /** range_mad(q): median absolute deviation of all points. Keeps the name. */
  range_mad: wholeRange(ranges.rangeMad),
  /** range_max(q): the largest of all points at every point. Drops the name, even with keep_metric_names. */
  range_max: dropping(() => (values) => rangeBy(values, ranges.STEPS.max)),
  /** range_median(q): the median of all points at every point. Keeps the name. */
  range_median: wholeRange((values) => ranges.rangeQuantile(values, 0.5)),
  /** range_min(q): the smallest of all points at every point. Drops the name, even with keep_metric_names. */
  range_min: dropping(() => (values) => rangeBy(values, ranges.STEPS.min)),
  /**
   * range_normalize(q, …): from 0, the series' least value, to 1, its largest; series with infinite values go. Keeps
   * the name.
   */
  range_normalize: entry(1, MANY, (call) =>
    filterPaced(call.context.run, call.args.flat(), (series) => ranges.normalize(series.values)),
  ),
  /** range_quantile(phi, q): phi-quantile of all points at every point. phi is read at the first. Keeps the name. */
  range_quantile: keeping(
    2,
    2,
    (call) => {
      const phi = call.first(0);
      return (values) => {
        values.fill(ranges.rangeQuantile(values, phi));
      };
    },
    1,
  ),
  /** range_stddev(q): population standard deviation of all points. Keeps the name. */
  range_stddev: wholeRange((values) => Math.sqrt(ranges.rangeVariance(values))),
  /** range_stdvar(q): population variance of all points. Keeps the name. */
  range_stdvar: wholeRange(ranges.rangeVariance),
  /** range_sum(q): sum of all points at every point. Drops the name, even with keep_metric_names. */
  range_sum: dropping(() => (values) => rangeBy(values, ranges.STEPS.sum)),
  /**
   * range_trim_outliers(k, q): without points farther from the series' median than k median deviations. Keeps the name.
   */
  range_trim_outliers: keeping(
    2,
    2,
    (call) => {
      const k = call.first(0);
      return (values) => ranges.trimAround(values, ranges.rangeQuantile(values, 0.5), k * ranges.rangeMad(values));
    },
    1,
  ),
  /**
   * range_trim_spikes(phi, q): without the part phi of the points, half of them the largest, half the smallest. Keeps
   * the name.
   */
  range_trim_spikes: keeping(
    2,
    2,
    (call) => {
      const half = call.first(0) / 2;
      return (values) =>
        ranges.trim(values, ranges.rangeQuantile(values, half), ranges.rangeQuantile(values, 1 - half));
    },
    1,
  ),
  /** range_trim_zscore(z, q): without points more than z standard deviations from the series' mean. Keeps the name. */
  range_trim_zscore: keeping(
    2,
    2,
    (call) => {
      const z = Math.abs(call.first(0));
      return (values) =>
        ranges.trimAround(values, ranges.rangeMean(values), z * Math.sqrt(ranges.rangeVariance(values)));
    },
    1,
  ),
  /** range_zscore(q): distance from the series' mean in its standard deviations. Keeps the name. */
  range_zscore: keeping(1, 1, () => (values) => {
    const mean = ranges.rangeMean(values);
    const sigma = Math.sqrt(ranges.rangeVariance(values));
    for (let k = 0; k < values.length; k++) values[k] = ((values[k] as number) - mean) / sigma;
  }),
  /** remove_resets(q): a counter that never falls: what was lost at each reset is added. Keeps the name. */
  remove_resets: keeping(1, 1, () => ranges.removeColumnResets),
  /**
   * round(q [, nearest]): to the nearest multiple of `nearest`, 1 if not given; half away from zero. Keeps the name.
   */
  round: keeping(1, 2, (call) => {
    const nearest = call.count > 1 ? call.scalar(1) : new Float64Array(call.context.points).fill(1);
    return (values) => roundColumn(values, nearest);
  }),
  /**
   * running_avg(q): mean from the first value up to each point; a gap counts as a point. Drops the name, even with
   * keep_metric_names.
   */
  running_avg: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.avg)),
  /** running_max(q): the largest value up to each point. Drops the name, even with keep_metric_names. */
  running_max: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.max)),
  /** running_min(q): the smallest value up to each point. Drops the name, even with keep_metric_names. */
  running_min: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.min)),
  /** running_sum(q): the sum up to each point; gaps repeat it. Drops the name, even with keep_metric_names. */
  running_sum: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.sum)),
  /**
   * scalar(q): the one series of q without labels, nothing if there are none or several; a string is read as a number.
   */
  scalar: entry(1, 1, (call) => {
    const arg = call.expr.args[0] as Expr;
    if (arg.kind === "string") return call.constant(readNumber(arg.value));
    const only = call.list(0)[0];
    if (call.list(0).length !== 1 || only === undefined) return call.constant(Number.NaN);
    return [{ labels: Labels.empty, values: only.values }];
  }),
  /** sgn(q): -1, 0 or 1; 0 where there is no value, as in VictoriaMetrics. */
  sgn: points((v) => (v < 0 ? -1 : v > 0 ? 1 : 0)),
  /** sin(q): sine of radians. */
  sin: points(Math.sin),
  /** sinh(q): hyperbolic sine. */
  sinh: points(Math.sinh),
  /**
   * smooth_exponential(q, factor): exponential moving average; a factor near 0 smooths most, 1 not at all. Keeps the
   * name.
   */
  smooth_exponential: keeping(2, 2, (call) => {
    const factors = call.scalar(1);
    return (values) => ranges.smooth(values, factors);
  }),
  /** sort(q): by the last value, smallest first; series without one before all. Keeps the name. */
  sort: sorting(1),
  /** sort_by_label(q, "label", …): by the first of the labels that differs, as texts. Keeps the name. */
  sort_by_label: sortingByLabel(false, 1),
  /** sort_by_label_desc(q, "label", …): the other way round. Keeps the name. */
  sort_by_label_desc: sortingByLabel(false, -1),
  /**
   * sort_by_label_numeric(q, "label", …): numbers within the values compare as numbers: 2 before 10. Keeps the name.
   */
  sort_by_label_numeric: sortingByLabel(true, 1),
  /** sort_by_label_numeric_desc(q, "label", …): the other way round. Keeps the name. */
  sort_by_label_numeric_desc: sortingByLabel(true, -1),
  /** sort_desc(q): by the last value, largest first; series without one before all. Keeps the name. */
  sort_desc: sorting(-1),
  /** sqrt(q): square root; nothing below 0. */
  sqrt: points(Math.sqrt),
  /** start(): first time of the query, or of the subquery around it, in seconds since 1970. */
  start: constant((call) => call.context.startMs / 1000),
  /** step(): distance of points in seconds; in subqueries theirs. 300 in an instant query that gives none. */
  step: constant((call) => call.context.stepMs / 1000),
  /** tan(q): tangent of radians. */
  tan: points(Math.tan),
  /** tanh(q): hyperbolic tangent. */
  tanh: points(Math.tanh),
  /** time(): the output time, seconds since 1970. */
  time: entry(0, 0, timeSeries),
  /**
   * timezone_offset("zone"): seconds that a zone such as "Europe/Berlin" is ahead of UTC at the output time, daylight
   * saving included. An error for an unknown zone.
   */
  timezone_offset: entry(1, 1, (call) => [
    { labels: Labels.empty, values: zoneOffsets(call.text(0), call.context.timestamps()) },
  ]),
  /**
   * union(q, …): all series, also written `(q, …)`; of equal label sets the first. Scalars are all kept, for `q == (1,
   * 2)`. Nothing for (). Keeps the name.
   */
  union: entry(0, MANY, (call) => {
    if (call.args.every(isScalarList)) return call.args.flat();
    const seen = new Set<string>();
    return filterPaced(call.context.run, call.args.flat(), (series) => {
      const { size } = seen;
      return seen.add(labelsKey(series.labels)).size > size;
    });
  }),
  /** vector(q): the series as they are, since numbers are series here. Keeps the name. */
  vector: entry(1, 1, (call) => call.list(0)),
  /** year([q]): such as 2024. */
  year: datePart("year"),
};

function rangeBy(values: Float64Array, step: ranges.Step): void {
  ranges.runOn(values, step);
  ranges.spreadLast(values);
}

/** By lower-case name. */
export const TRANSFORMS: ReadonlyMap<string, TransformEntry> = new Map(Object.entries(ENTRIES));
