/**
 * Functions that change labels, or choose series by them.
 */
import { InputError } from "../../base/errors.ts";
import { compileRegex, compileSearchRegex } from "../../base/regex.ts";
import { dropLabels, joinTexts, keepLabels, withLabel, withoutName } from "../label-edit.ts";
import { readNumber } from "../number-text.ts";
import { filterPaced } from "../pace.ts";
import type { Series } from "../series.ts";
import { entry, MANY, relabeling, type TransformCall, type TransformEntry } from "./entry.ts";
import { dropCommonLabels, graphiteGroup, readPattern, replaceLabel } from "./labels.ts";

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
  return relabeling(1, MANY, (call) => {
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
  return relabeling(2, MANY, (call) => {
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

export const labelFunctions: Readonly<Record<string, TransformEntry>> = {
  /** alias(q, "name"): names all series so. */
  alias: relabeling(2, 2, (call) => {
    const name = call.text(1);
    return (from) => withLabel(from, "__name__", name);
  }),
  /** drop_common_labels(q, …): without the labels, name included, that have the same value in all series. */
  drop_common_labels: entry(1, MANY, async (call) => {
    const pooled = call.args.flat();
    await dropCommonLabels(call.context.run, pooled);
    return pooled;
  }),
  /**
   * label_copy(q, "source", "target", …): the target label gets the source's value; nothing happens if that is empty.
   * Keeps the name.
   */
  label_copy: copying(false),
  /** label_del(q, "label", …): without these labels. Keeps the name unless `__name__` is one. */
  label_del: relabeling(1, MANY, (call) => {
    const listed = new Set(call.texts(1));
    return (from) => dropLabels(from, listed);
  }),
  /**
   * label_graphite_group(q, i, …): the name becomes those parts of itself between dots, counted from 0; missing ones
   * are empty.
   */
  label_graphite_group: relabeling(2, MANY, (call) => {
    const indexes = call.args.slice(1).map((_, i) => call.whole(i + 1));
    return (from) => graphiteGroup(from, indexes);
  }),
  /**
   * label_join(q, "target", "separator", "source", …): the target label becomes the values of the sources, missing ones
   * empty, joined. Keeps the name.
   */
  label_join: relabeling(3, MANY, (call) => {
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
  label_keep: relabeling(1, MANY, (call) => {
    const listed = new Set(call.texts(1));
    return (from) => keepLabels(from, listed);
  }),
  /** label_lowercase(q, "label", …): the values of these labels in lower case. Keeps the name. */
  label_lowercase: recasing((text) => text.toLowerCase()),
  /**
   * label_map(q, "label", "from", "to", …): a value of the label that is listed becomes the one behind it. Keeps the
   * name.
   */
  label_map: relabeling(2, MANY, (call) => {
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
  label_replace: relabeling(5, 5, (call) => {
    const [target, template, source, pattern] = call.texts(1) as [string, string, string, string];
    const regex = readPattern(compileSearchRegex, pattern, "label_replace");
    return (from) => replaceLabel(from, target, template, source, regex);
  }),
  /** label_set(q, "label", "value", …): sets labels; an empty value deletes. Keeps the name. */
  label_set: relabeling(1, MANY, (call) => {
    const pairs = pairsFrom(call, 1);
    return (from) => pairs.reduce((result, [label, value]) => withLabel(result, label, value), from);
  }),
  /**
   * label_transform(q, "label", "regex", "replacement"): replaces every match within the label's value. Keeps the name.
   */
  label_transform: relabeling(4, 4, (call) => {
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
};
