/**
 * Random MetricsQL that has something to answer: every operator with its modifiers, every aggregate, rollup and transform, over the metrics
 * a, b and c of `randomSource`.
 *
 * All of their series have labels x and y, some have z, and what has no labels is given x at once: a single series without labels is a scalar to
 * MetricsQL, so what operators do with it depends on what else is read (metricsql/optimize.ts says how).
 */
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import { AGGREGATES, type AggregateArg } from "../aggregate/table.ts";
import { ROLLUPS } from "../rollup/table.ts";
import { TRANSFORMS } from "../transform/table.ts";
import { SCRAPE_MS, ZERO_MS } from "./harness.ts";
import { MemorySource } from "./memory-source.ts";

/** Scrapes of a series. */
export const SCRAPES = 12;

export interface RandomSeries {
  readonly labels: Labels;
  /** null: the scrape failed. */
  readonly values: readonly (number | null)[];
}

/** Series of different labels; `value` makes what they hold. */
export function randomSeries(value: fc.Arbitrary<number>): fc.Arbitrary<RandomSeries[]> {
  const digit = (max: number): fc.Arbitrary<string> => fc.integer({ min: 1, max }).map(String);
  const labels = fc
    .record({
      __name__: fc.constantFrom("a", "b", "c"),
      x: digit(3),
      y: digit(2),
      z: fc.constantFrom("", "", "1", "2"),
    })
    .map((record) => Labels.from(Object.entries(record).filter(([, text]) => text !== "")));
  const values = fc.array(fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }), {
    minLength: SCRAPES,
    maxLength: SCRAPES,
  });
  return fc.uniqueArray(fc.record({ labels, values }), { selector: ({ labels: own }) => `${own}`, maxLength: 14 });
}

export function randomSource(list: readonly RandomSeries[]): MemorySource {
  const source = new MemorySource({ batchSeries: 3 });
  for (const { labels, values } of list) {
    const kept = values.map((_, i) => i).filter((i) => values[i] !== null);
    source.add(
      labels,
      kept.map((i) => ZERO_MS + i * SCRAPE_MS),
      Float64Array.from(kept, (i) => values[i] as number),
    );
  }
  return source;
}

export const selector: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("a", "b", "c", "a", "b", '__name__=~"a|b"'),
    fc.uniqueArray(fc.constantFrom('x="1"', 'x=~"1|2"', 'x!="3"', 'y="1"', 'y!~"2"', 'z="1"', 'z=""', 'z!="2"'), {
      maxLength: 2,
    }),
  )
  .map(([name, filters]) =>
    name.length === 1
      ? `${name}${filters.length === 0 ? "" : `{${filters.join(",")}}`}`
      : `{${[name, ...filters].join(",")}}`,
  );

/** Labels to group by that leave x; and none at all. */
const grouping = fc.constantFrom("by (x)", "by (x, y)", "by (z, x)", "without (y)", "without (z, y)", "by ()", "");
const matching = fc.constantFrom("", "", "on (x)", "on (x, y)", "on (x, z)", "ignoring (y)", "ignoring (z)", "on ()");

/** These answer a series without labels, or without x. */
const UNLABELLED = /^(absent|absent_over_time|drop_common_labels|scalar|timezone_offset)\(|^\w+\(\)$/;

function labelled(text: string): string {
  return `label_set(${text}, "x", "1")`;
}

/** Arguments by name, `?` for series; what is not here takes series alone. */
const TRANSFORM_ARGS: Readonly<Record<string, string>> = {
  ...{ alias: '?, "n"', bitmap_and: "?, 3", bitmap_or: "?, 3", bitmap_xor: "?, 3", buckets_limit: "2, ?" },
  ...{ clamp: "?, 0, 5", clamp_max: "?, 3", clamp_min: "?, 3", histogram_fraction: "0, 1, ?" },
  ...{ histogram_quantile: "0.5, ?", histogram_quantiles: '"phi", 0.5, 0.9, ?', histogram_share: "1, ?" },
  ...{
    label_copy: '?, "x", "y"',
    label_del: '?, "y"',
    label_graphite_group: "?, 0",
    label_join: '?, "y", "-", "x", "z"',
  },
  ...{ label_keep: '?, "x", "__name__"', label_lowercase: '?, "x"', label_map: '?, "x", "1", "one"' },
  ...{
    label_match: '?, "x", "1|2"',
    label_mismatch: '?, "x", "1"',
    label_move: '?, "z", "w"',
    label_set: '?, "y", "1"',
  },
  ...{ label_replace: '?, "y", "p$1", "x", "(.*)"', label_transform: '?, "x", "1", "2"', label_uppercase: '?, "x"' },
  ...{ label_value: '?, "x"', labels_equal: '?, "x", "y"', limit_offset: "1, 1, ?", range_quantile: "0.5, ?" },
  ...{ range_trim_outliers: "2, ?", range_trim_spikes: "0.2, ?", range_trim_zscore: "2, ?", round: "?, 2" },
  ...{ smooth_exponential: "?, 0.5", sort_by_label: '?, "x"', sort_by_label_desc: '?, "x"', union: "?, ?" },
  ...{ sort_by_label_numeric: '?, "x"', sort_by_label_numeric_desc: '?, "x"', timezone_offset: '"UTC"' },
};

/** The same of rollups. */
const ROLLUP_ARGS: Readonly<Record<string, string>> = {
  ...{
    aggr_over_time: '("min_over_time", "increase"), ?',
    count_values_over_time: '"v", ?',
    holt_winters: "?, 0.5, 0.3",
  },
  ...{ quantiles_over_time: '"phi", 0.2, 0.9, ?', hoeffding_bound_lower: "0.5, ?", hoeffding_bound_upper: "0.5, ?" },
  ...{ quantile_over_time: "0.3, ?" },
};

const AGGREGATE_ARGS: Readonly<Record<AggregateArg, readonly string[]>> = {
  ...{ pool: ["q", "q, q"], series: ["q"], scalar: ["1", "0.5", "2"], scalars: ["0.1, 0.9"], string: ['"z"'] },
  "string?": ["", '"z=rest"'],
};

const OPERATORS = ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", ">", "<=", ">=", "== bool", "> bool"];
const FILLS = ["fill (1)", "fill_left (0)", "fill_right (-2)"];
const CHOOSERS = ["and", "or", "unless", "if", "ifnot", "default"];
const RANDOM: ReadonlySet<string> = new Set(["rand", "rand_normal", "rand_exponential"]);

export interface QueryKinds {
  readonly transforms: readonly string[];
  readonly rollups: readonly string[];
  readonly aggregates: readonly string[];
  readonly operators: readonly string[];
  /** Windows are always written, nothing is limited, nothing filled in. */
  readonly isExplicit: boolean;
}

export const EVERYTHING: QueryKinds = {
  transforms: [...TRANSFORMS.keys()].filter((name) => !RANDOM.has(name)),
  rollups: [...ROLLUPS.keys()],
  aggregates: [...AGGREGATES.keys()],
  operators: [...OPERATORS, ...CHOOSERS],
  isExplicit: false,
};

/** Texts of queries, `depth` nodes deep at most. */
export function randomQueries(kinds: QueryKinds, depth: number): fc.Arbitrary<string> {
  const bare = kinds.isExplicit ? selector.map((text) => `last_over_time(${text}[20s])`) : selector;
  const shifted = fc
    .tuple(bare, fc.constantFrom("", "", "", " offset 15s", ` @ ${ZERO_MS / 1000 + 60}`))
    .map(([text, shift]) => (kinds.isExplicit ? text : text + shift));
  if (depth === 0) return shifted;
  const inner = randomQueries(kinds, depth - 1);
  const brackets = kinds.isExplicit ? [] : ["", "", "[1m:15s]", "[30s:] offset 15s"];
  const window = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(selector, fc.constantFrom("[15s]", "[40s]", "[1m]", ...brackets))
        .map((parts) => parts.join("")),
    },
    { weight: 1, arbitrary: inner.map((text) => `(${text})[1m:15s]`) },
  );
  const rollup = fc
    .tuple(fc.constantFrom(...kinds.rollups), window, fc.constantFrom("", "", "", " keep_metric_names"))
    .map(([name, text, keep]) => {
      const args = ROLLUP_ARGS[name] ?? (ROLLUPS.get(name)?.args.includes("scalar") ? "?, 3" : "?");
      return withLabels(`${name}(${filled(args, text)})${keep}`);
    });
  const transform = fc.tuple(fc.constantFrom(...kinds.transforms), inner, inner).map(([name, q, q2]) => {
    const args = TRANSFORMS.get(name)?.max === 0 ? "" : (TRANSFORM_ARGS[name] ?? "?");
    return withLabels(`${name}(${filled(args, q, q2)})`);
  });
  const aggregate = aggregatesOver(kinds, inner);
  const binary = fc
    .tuple(
      inner,
      fc.constantFrom(...kinds.operators),
      matching,
      fc.constantFrom(
        ...["", "", "", "group_left ()", "group_right (z)", "group_left (*)", 'group_left (z) prefix "p_"'],
        ...(kinds.isExplicit ? [] : FILLS),
      ),
      inner,
      fc.constantFrom("", "", "", " keep_metric_names"),
    )
    .map(([left, op, match, rest, right, keep]) => {
      const isSet = op === "and" || op === "or" || op === "unless";
      const text = `((${left}) ${op} ${match} ${isSet ? "" : rest} (${right}))${keep}`;
      return match === "on ()" ? labelled(text) : text;
    });
  const withNumber = fc
    .tuple(inner, fc.constantFrom(...kinds.operators), fc.constantFrom("2", "0.5", "(1, 2)"), fc.boolean())
    .filter(([, op, number]) => number !== "(1, 2)" || op === "==" || op === "!=")
    .map(([q, op, number, isFirst]) =>
      isFirst && !number.startsWith("(") ? `(${number} ${op} ${q})` : `(${q} ${op} ${number})`,
    );
  return fc.oneof(
    { weight: 2, arbitrary: shifted },
    { weight: 3, arbitrary: rollup },
    { weight: 3, arbitrary: transform },
    { weight: 3, arbitrary: aggregate },
    { weight: 5, arbitrary: binary },
    { weight: 1, arbitrary: withNumber },
  );
}

/** Aggregates of plain selectors. */
export function randomAggregates(kinds: QueryKinds): fc.Arbitrary<string> {
  return aggregatesOver(kinds, randomQueries(kinds, 0));
}

function aggregatesOver(kinds: QueryKinds, inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...kinds.aggregates),
      grouping,
      inner,
      inner,
      fc.nat(5),
      fc.constantFrom("", "", "", " limit 2"),
    )
    .map(([name, group, q, q2, choice, limit]) => {
      const args = (AGGREGATES.get(name)?.args ?? []).map((kind) => {
        const texts = AGGREGATE_ARGS[kind];
        const text = texts[choice % texts.length] as string;
        return kind === "pool" || kind === "series" ? (text === "q" ? q : `${q}, ${q2}`) : text;
      });
      const text = `${name}(${args.filter((arg) => arg !== "").join(", ")}) ${group}${kinds.isExplicit ? "" : limit}`;
      return group.includes("x") || group.includes("without") ? text : labelled(text);
    });
}

function withLabels(text: string): string {
  return UNLABELLED.test(text) ? labelled(text) : text;
}

/** The template with its question marks replaced in turn. */
function filled(template: string, ...texts: readonly string[]): string {
  return template
    .split("?")
    .map((part, i) => (i === 0 ? part : `${texts[i - 1]}${part}`))
    .join("");
}
