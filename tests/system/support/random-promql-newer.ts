/** What Prometheus 3 has and 2.42 has not, each with the same meaning in 2.42's words, or with a way to check it without words. */
import { join, say, type Words } from "./promql-words.ts";
import type { Aim, PromqlMaker } from "./random-promql.ts";
import { BOUNDS, DATA_START } from "./random-promql-data.ts";

/** Replaced when a query is asked: what the functions of the same names mean then, in seconds. */
export const TIMES = { start: "⟨start⟩", end: "⟨end⟩", range: "⟨range⟩", step: "⟨step⟩" } as const;

/** Newer functions of windows that have no older words; random-promql-windows.ts works them out from the samples. */
export const WINDOW_FUNCTIONS: readonly string[] = [
  ...["first_over_time", "mad_over_time", "ts_of_first_over_time", "ts_of_last_over_time"],
  ...["ts_of_min_over_time", "ts_of_max_over_time"],
];

export const NEWER_AIMS: readonly (readonly [string, (maker: PromqlMaker) => Aim])[] = [
  ...WINDOW_FUNCTIONS.map((name) => [name, (maker: PromqlMaker) => windowFunction(name, maker)] as const),
  [
    "double_exponential_smoothing",
    (maker) => {
      const name: Words = { ours: "double_exponential_smoothing", theirs: "holt_winters" };
      return say`${name}(${maker.matrix("gauge", maker.dice(2))}, ${maker.pick(["0.3", "0.9"])}, ${maker.pick(["0.1", "0.7"])})`;
    },
  ],
  ["histogram_fraction", histogramFraction],
  [
    "histogram_quantiles",
    (maker) => {
      const buckets = maker.buckets();
      const shares = maker.pick([["0.5"], ["0.5", "0.9"], ["0", "0.25", "1"]]);
      const older = shares.map(
        (share) => say`label_replace(histogram_quantile(${share}, ${buckets}), "q", "${asLabel(share)}", "", "")`,
      );
      return {
        ours: `histogram_quantiles(${buckets.ours}, "q", ${shares.join(", ")})`,
        theirs: `(${join(older, " or ").theirs})`,
      };
    },
  ],
  ["info", info],
  [
    "info with filters",
    (maker) => {
      const series = ofInstances(maker);
      return {
        ours: `info(${series.ours}, {version=~".+"})`,
        theirs: `(${series.theirs} * on (instance, job) group_left (version) target_info)`,
      };
    },
  ],
  ["sort_by_label", sortByLabel("sort_by_label")],
  ["sort_by_label_desc", sortByLabel("sort_by_label_desc")],
  [
    "limitk",
    (maker) => {
      const series = maker.selector("counter");
      const k = maker.pick(["1", "2", "5"]);
      return {
        ours: `count by (job, code) (limitk by (job, code) (${k}, ${series.ours}) == ${series.ours})`,
        theirs: `clamp_max(count by (job, code) (${series.theirs}), ${k})`,
      };
    },
  ],
  [
    "limit_ratio",
    (maker) => {
      const series = maker.selector("web");
      const ratio = maker.pick(["0.5", "0.3", "0.8", "1"]);
      return {
        ours: `limit_ratio(${ratio}, ${series.ours})`,
        rest: `limit_ratio(${ratio} - 1, ${series.ours})`,
        theirs: series.theirs,
      };
    },
  ],
  ...(["start", "end", "range", "step"] as const).map(
    (name) =>
      [
        name,
        (maker: PromqlMaker) =>
          say`vector(${{ ours: `${name}()`, theirs: TIMES[name] }} ${maker.pick(["+ 1", "* 2", "- time()"])})`,
      ] as const,
  ),
  ...(["min_of", "max_of"] as const).map(
    (name) =>
      [
        name,
        (maker: PromqlMaker) => {
          const [a, b] = [maker.pick(["1", "2.5", "-3"]), maker.pick(["0", "time()", "1e9"])];
          const [first, second] = name === "min_of" ? [a, b] : [b, a];
          const older = `((${a} < bool ${b}) * ${first} + (${a} >= bool ${b}) * ${second})`;
          return say`vector(${{ ours: `${name}(${a}, ${b})`, theirs: older }})`;
        },
      ] as const,
  ),
  ["fill", fill("fill")],
  ["fill_left", fill("fill_left")],
  ["fill_right", fill("fill_right")],
  ["left edges", leftEdge],
  [
    "durations as numbers",
    (maker) => say`${maker.selector("gauge")} ${maker.pick([">", "+", "< bool"])} ${{ ours: "5m30s", theirs: "330" }}`,
  ],
  [
    "durations of the query",
    (maker) => {
      const [ours, theirs] = maker.pick([
        ["10m + min_of(step(), 0s)", "10m"],
        ["max_of(range(), 2h)", "2h"],
        ["(20m / 2) ^ 1", "10m"],
        ["7m % 4m + 5m", "8m"],
      ] as const);
      return say`sum_over_time(${maker.selector("any")}[${{ ours, theirs }}] offset ${{ ours: "(2m - 60)", theirs: "1m" }})`;
    },
  ],
];

/** In a label numbers have a point, as in OpenMetrics. */
function asLabel(share: string): string {
  return share.includes(".") ? share : `${share}.0`;
}

/** A sample, or a step of a subquery, lies on the left edge of the window: 2.42 is asked for a window that is a millisecond shorter. */
function leftEdge(maker: PromqlMaker): Words {
  const [minutes, scrape] = [5 + maker.dice(10), maker.dice(40)];
  const range: Words = { ours: `${minutes}m`, theirs: `${minutes - 1}m59s999ms` };
  const name = maker.pick([
    "sum_over_time",
    "count_over_time",
    "min_over_time",
    "stddev_over_time",
    "changes",
    "idelta",
  ]);
  if (maker.chance(2))
    return say`${name}(heartbeat[${range}] @ ${(DATA_START + 4500 + 15 * scrape + 0.777).toFixed(3)})`;
  return say`${name}((${maker.selector("any")})[${range}:1m] @ ${DATA_START + 4500 + 60 * scrape})`;
}

function windowFunction(name: string, maker: PromqlMaker): Aim {
  const { ours, theirs } = maker.selector(maker.pick(["gauge", "any", "any", "odd"]));
  const rangeSeconds = maker.pick([300, 600, 70, 1800]);
  const offsetSeconds = maker.pick([0, 0, 300, -120]);
  const offset = offsetSeconds === 0 ? "" : ` offset ${offsetSeconds}s`;
  return {
    ours: `${name}(${ours}[${rangeSeconds}s]${offset})`,
    theirs,
    windows: { name, rangeSeconds, offsetSeconds },
  };
}

/** Between two bounds it is the difference of their buckets; within a bucket, in proportion. */
function histogramFraction(maker: PromqlMaker): Words {
  const filter = maker.pick(["", 'instance="web-1:8080", ']);
  const range = maker.pick(["5m", "10m"]);
  const buckets = (more: string): string => `rate(latency_seconds_bucket{${filter}${more}}[${range}])`;
  const at = (i: number): string => buckets(`le="${BOUNDS[i]}"`);
  const last = BOUNDS.length - 1;
  const lower = maker.dice(last - 1);
  const upper = lower + 1 + maker.dice(last - lower - 1);
  const lowerCount = `${at(lower)}`;
  const whole = `ignoring (le) ${at(last)}`;
  if (maker.chance(3)) {
    const middle = (Number(BOUNDS[upper]) + Number(BOUNDS[upper - 1])) / 2;
    return {
      ours: `histogram_fraction(-Inf, ${middle}, ${buckets("")})`,
      theirs: `((${at(upper)} + ignoring (le) ${at(upper - 1)}) / 2 / ${whole})`,
    };
  }
  return {
    ours: `histogram_fraction(${BOUNDS[lower]}, ${BOUNDS[upper]}, ${buckets("")})`,
    theirs: `((${at(upper)} - ignoring (le) ${lowerCount}) / ${whole})`,
  };
}

/** Without names: a product has none. */
function ofInstances(maker: PromqlMaker): Words {
  return maker.pick([
    say`rate(${maker.selector("counter")}[10m])`,
    say`(${maker.selector("web")} + 0)`,
    say`sum by (job, instance) (${maker.selector("web")})`,
  ]);
}

function info(maker: PromqlMaker): Words {
  const series = ofInstances(maker);
  const { theirs } = series;
  return {
    ours: `info(${series.ours})`,
    theirs:
      `((${theirs} * on (instance, job) group_left (version, env) target_info) or ` +
      `(${theirs} unless on (instance, job) target_info))`,
  };
}

/** What it is asked of; the order is looked at where the answers are. */
function sortByLabel(name: string): (maker: PromqlMaker) => Aim {
  return (maker) => {
    const series = maker.selector(maker.pick(["web", "any"]));
    const labels = maker.pick(['"instance"', '"instance", "method"', '"room"']);
    return { ours: `${name}(${series.ours}, ${labels})`, theirs: series.theirs, isWhole: true };
  };
}

/** A side without a partner is given one. */
function fill(word: "fill" | "fill_left" | "fill_right"): (maker: PromqlMaker) => Words {
  return (maker) => {
    const labels = maker.pick(["instance", "job", "instance, job"]);
    const left = say`sum by (${labels}) (${maker.selector("web")})`;
    const right = say`max by (${labels}) (${maker.selector("any")})`;
    const op = maker.pick(["+", "-", "*", "/"]);
    const value = maker.pick(["0", "1", "-2.5"]);
    const matching = maker.pick(["", ` on (${labels})`]);
    const parts = [say`(${left} ${op}${matching} ${right})`];
    if (word !== "fill_left") parts.push(say`(${left} ${op} ${value})`);
    if (word !== "fill_right") parts.push(say`(${value} ${op} ${right})`);
    return {
      ours: `(${left.ours} ${op}${matching} ${word}(${value}) ${right.ours})`,
      theirs: `(${join(parts, " or ").theirs})`,
    };
  };
}
