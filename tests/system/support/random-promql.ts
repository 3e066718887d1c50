/**
 * Random PromQL over random-promql-data.ts, by seed: valid by type, and in two wordings (promql-words.ts), ours and that of 2.42.
 *
 * Two of three seeds go round AIMS: each function, aggregation, operator and form has its turn, over data it has something to say
 * about, inside wrappers that do not hide it. The others are whatever chance builds, from the outside in, smaller as `depth` runs out.
 */
import { say, type Words } from "./promql-words.ts";
import { DATA_START, METRICS } from "./random-promql-data.ts";
import { NEWER_AIMS } from "./random-promql-newer.ts";
import { type Dice, diceOf } from "./random-queries.ts";

/** Seconds since the epoch. */
export interface Grid {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

export interface PromQuery extends Words {
  /** An instant query is asked at its end. */
  readonly grid: Grid;
  /** A second query of ours whose series, with those of the first, must be their answer. */
  readonly rest?: string;
  /** They answer only `theirs`, a selector; what a function makes of its windows is worked out from the samples. */
  readonly windows?: WindowTask;
}

export interface WindowTask {
  readonly name: string;
  readonly rangeSeconds: number;
  readonly offsetSeconds: number;
}

/** What an aim builds: a query, and now and then a way to ask it. */
export type Aim = Words & Pick<PromQuery, "rest" | "windows"> & { readonly isWhole?: true };

export function randomPromql(seed: number): PromQuery {
  const dice = diceOf(seed);
  const grid = randomGrid(dice);
  const maker = new PromqlMaker(dice);
  if (seed % 3 === 0) return { ...maker.root(), grid };
  const turn = seed - Math.floor(seed / 3) - 1;
  const [, aim] = AIMS[turn % AIMS.length] as (typeof AIMS)[number];
  const built = aim(maker);
  if (built.isWhole === true || built.rest !== undefined || built.windows !== undefined) return { ...built, grid };
  return { ...maker.wrap(built, dice(3)), grid };
}

/** Times are 0.3 s past a whole second: no sample and no step of a subquery lies there, nor on the left edge of a window. */
function randomGrid(dice: Dice): Grid {
  // Now and then before the first sample, or after the last.
  const end = DATA_START + (dice(5) === 0 ? 300 + 60 * dice(125) : 4500 + 60 * dice(40)) + dice(10) + 0.3;
  const step = [30, 60, 137, 301][dice(4)] as number;
  return { start: end - step * (4 + dice(8)), end, step };
}

// ── what functions are good for ──────────────────────────────────────────────────────────────────────────────────────

export type Flavour =
  | "any"
  | "counter"
  | "gauge"
  | "unit"
  | "positive"
  | "codes"
  | "dates"
  | "distinct"
  | "buckets"
  | "web"
  | "odd";

const FLAVOURS: Readonly<Record<Flavour, readonly string[]>> = {
  any: METRICS.map(({ name }) => name),
  counter: [
    "requests_total",
    "busy_seconds_total",
    "bytes_total",
    "latency_seconds_count",
    "irregular_total",
    "late_total",
  ],
  gauge: ["temperature", "load", "memory_bytes", "unit", "slow", "flapping", "up"],
  unit: ["unit"],
  positive: ["capacity", "memory_bytes", "heartbeat", "status"],
  codes: ["status", "up", "flapping"],
  dates: ["event_seconds", "started_seconds"],
  distinct: ["memory_bytes", "temperature", "unit", "event_seconds"],
  buckets: ["latency_seconds_bucket"],
  web: ["requests_total", "busy_seconds_total", "load", "up", "capacity", "memory_bytes", "latency_seconds_count"],
  odd: ["odd"],
};

const RANGE_FUNCTIONS: readonly (readonly [string, Flavour])[] = [
  ...["rate", "increase", "irate", "resets"].map((name) => [name, "counter"] as const),
  ...["delta", "idelta", "deriv", "avg_over_time", "stddev_over_time", "stdvar_over_time"].map(
    (name) => [name, "gauge"] as const,
  ),
  ["changes", "codes"],
  ...["sum_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time"].map(
    (name) => [name, "any"] as const,
  ),
];

const MATH: readonly (readonly [string, Flavour])[] = [
  ...["abs", "ceil", "floor", "sgn", "exp", "sinh", "tanh", "asinh", "atan", "cosh"].map(
    (name) => [name, "gauge"] as const,
  ),
  ...["acos", "asin", "atanh", "sin", "cos", "tan", "deg", "rad"].map((name) => [name, "unit"] as const),
  ...["ln", "log2", "log10", "sqrt", "acosh"].map((name) => [name, "positive"] as const),
];

const CALENDAR = [
  ...["days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"],
];

const AGGREGATES = ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"];
const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS = ["==", "!=", ">", "<", ">=", "<="];
const SETS = ["and", "or", "unless"];
const NUMBERS = [
  ...[
    "0",
    "1",
    "2.5",
    "-1",
    "10",
    "0.5",
    "1e3",
    "100",
    "-0.25",
    "3",
    "0x1F",
    "017",
    ".5",
    "1e-3",
    "Inf",
    "-inf",
    "NaN",
  ],
];
const LABELS = ["job", "instance", "method", "code", "kind", "room", "site", "case", "le", "__name__"];
/** Of more than a few samples. */
const RANGES = ["5m", "10m", "7m30s", "1h", "20m", "6m", "400s", "5m500ms", "1d"];
/** No multiples of a step, so that subqueries inside subqueries have nothing on their left edges. */
const ODD_RANGES = ["5m7s", "10m3s", "21m7s"];
const STEPS = ["1m", "30s", "2m", "50s", "5m"];

/** For the random part and for what aims have around them. */
export class PromqlMaker {
  readonly dice: Dice;
  #subqueries = 0;

  constructor(dice: Dice) {
    this.dice = dice;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.dice(choices.length)] as T;
  }

  chance(of: number): boolean {
    return this.dice(of) === 0;
  }

  root(): Words & { readonly isWhole?: true } {
    const depth = 1 + this.dice(3);
    switch (this.dice(40)) {
      case 0:
        return this.pick([say`"text"`, say`'it\\'s'`, say`${"`raw\\n`"}`]);
      case 1:
      case 2:
        return this.scalar(depth);
      case 3:
        return this.matrix("any", depth);
      default:
        return this.vector(depth);
    }
  }

  /** Around an expression that has something to say: what is said changes, that it is does not. */
  wrap(inner: Words, depth: number): Words {
    if (depth <= 0) return inner;
    const one = this.pick([
      say`-(${inner})`,
      say`(${inner}) * ${this.pick(["2", "-1", "0.5"])}`,
      say`${this.pick(NUMBERS)} + (${inner})`,
      say`abs(${inner})`,
      say`sum(${inner})`,
      say`max by (${this.labels()}) (${inner})`,
      say`count without (${this.labels()}) (${inner})`,
      say`sort(${inner})`,
      say`(${inner}) and (${inner})`,
      say`(${inner}) >= bool ${this.pick(NUMBERS)}`,
      say`label_replace(${inner}, "copy", "$1", "instance", "(.*):.*")`,
    ]);
    return this.wrap(one, depth - 1);
  }

  vector(depth: number, flavour: Flavour = "any"): Words {
    if (depth <= 0) return this.selector(flavour);
    switch (this.dice(14)) {
      case 0:
        return this.shifted(flavour);
      case 1:
      case 2:
      case 3:
        return this.rangeCall(this.pick(RANGE_FUNCTIONS), depth);
      case 4:
      case 5:
      case 6:
        return this.pick(CALLS)[1](this, depth);
      case 7:
      case 8:
      case 9:
        return this.aggregate(depth);
      default:
        return this.binary(depth);
    }
  }

  // ── selectors ──────────────────────────────────────────────────────────────────────────────────────────────────────

  metric(flavour: Flavour): (typeof METRICS)[number] {
    // Infinities and NaN have their aims; elsewhere they would drown the rest.
    const names =
      flavour === "any" && !this.chance(12) ? FLAVOURS.any.filter((name) => name !== "odd") : FLAVOURS[flavour];
    const name = this.pick(names);
    return METRICS.find((one) => one.name === name) as (typeof METRICS)[number];
  }

  /** Nearly always of series that exist. */
  selector(flavour: Flavour = "any"): Words {
    const { name, series } = this.metric(flavour);
    if (this.chance(80)) return say`nothing_of_the_kind`;
    if (this.chance(60) && flavour === "any") return this.pick([say`{__name__=~"[lu].+"}`, say`{job="edge"}`]);
    const filters: string[] = [];
    const [label, value] = this.chance(2) ? this.pick([...this.pick(series), ["none", ""]] as const) : ["", ""];
    if (label !== "" && label !== "le") {
      const values = [...new Set(series.map((labels) => labels.find(([key]) => key === label)?.[1] ?? ""))];
      const quoted = JSON.stringify(value);
      filters.push(
        this.pick([
          `${label}=${quoted}`,
          `${label}!=${JSON.stringify(values[0] === value ? "other" : values[0])}`,
          `${label}=~${JSON.stringify(`${value}|other`)}`,
          `${label}=~${JSON.stringify(`${value.slice(0, 2)}.*`)}`,
          `${label}!~${JSON.stringify(value === "" ? "x.+" : `x.*|${value.slice(0, 1)}`)}`,
          `none=""`,
          `${label}=~${JSON.stringify(`(?i)${value.toUpperCase()}`)}`,
          `${label}!~${JSON.stringify(`[x-z].+|.*(?:${value.slice(-1)}){2,}`)}`,
          `${label}=~".*", none!~".+"`,
        ]),
      );
    }
    switch (this.dice(9)) {
      case 0:
        return say`{${[`__name__="${name}"`, ...filters].join(", ")}}`;
      case 1:
        return say`{${[...filters, `__name__=~"${name.slice(0, -1)}."`].join(", ")}}`;
      case 2: {
        const [ours, theirs] = [`"${name}"`, `__name__="${name}"`].map((first) => [first, ...filters].join(", "));
        return { ours: `{${ours}}`, theirs: `{${theirs}}` };
      }
      default:
        return filters.length === 0 ? say`${name}` : say`${name}{${filters.join(",")}}`;
    }
  }

  shift(): string {
    return this.pick([
      ...[" offset 5m", " offset 1h", " offset -3m20s", " offset 40s", " @ start()", " @ end()"],
      ...[` @ ${DATA_START + 4404.567}`, ` @ ${DATA_START + 3604.567} offset 10m`, " offset -2m @ end()"],
    ]);
  }

  shifted(flavour: Flavour): Words {
    return say`${this.selector(flavour)}${this.shift()}`;
  }

  /** Half of them plain. */
  matrix(flavour: Flavour, depth = 0): Words {
    const shift = this.chance(3) ? this.shift() : "";
    if (depth > 0 && this.chance(3)) return say`${this.subquery(depth, flavour)}${shift}`;
    return say`${this.selector(flavour)}[${this.range()}]${shift}`;
  }

  /** A window's length; in ours now and then as arithmetic or as a number. */
  range(): Words {
    return this.pick([
      ...RANGES.map((range) => say`${range}`),
      { ours: "300 + 5m", theirs: "10m" },
      { ours: "420", theirs: "7m" },
      { ours: "(2m + 30s) * 3", theirs: "7m30s" },
      { ours: "max_of(8m, 400)", theirs: "8m" },
    ]);
  }

  subquery(depth: number, flavour: Flavour = "any"): Words {
    const isInner = this.#subqueries > 0;
    this.#subqueries++;
    const inner = this.chance(3) ? this.selector(flavour) : say`(${this.vector(depth - 1, flavour)})`;
    this.#subqueries--;
    const range = this.pick(isInner ? ODD_RANGES : [...ODD_RANGES, "5m", "10m", "20m"]);
    return say`${inner}[${range}:${this.chance(5) ? "" : this.pick(STEPS)}]`;
  }

  // ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  rangeCall([name, flavour]: readonly [string, Flavour], depth = 0): Words {
    return say`${name}(${this.matrix(flavour, depth)})`;
  }

  scalar(depth = 0): Words {
    switch (this.dice(depth > 0 ? 9 : 5)) {
      case 0:
        return say`time()`;
      case 1:
        return say`pi()`;
      case 5:
        return say`scalar(${this.vector(depth - 1)})`;
      case 6:
        return say`(${this.scalar(depth - 1)} ${this.pick(ARITHMETIC)} ${this.scalar(0)})`;
      case 7:
        return say`(${this.scalar(depth - 1)} ${this.pick(COMPARISONS)} bool ${this.scalar(0)})`;
      case 8:
        return say`-${this.scalar(0)}`;
      default:
        return say`${this.pick(NUMBERS)}`;
    }
  }

  buckets(): Words {
    return this.pick([
      say`latency_seconds_bucket`,
      say`rate(latency_seconds_bucket[${this.range()}])`,
      say`sum by (le) (increase(latency_seconds_bucket[10m]))`,
      say`sum by (le, instance) (latency_seconds_bucket)`,
      say`rate(latency_seconds_bucket{instance=~"web-1.*"}[6m] offset 5m)`,
      say`odd_bucket`,
      say`sum without (kind) (odd_bucket)`,
      say`{__name__=~".+_bucket"} - 3`,
    ]);
  }

  // ── aggregations ───────────────────────────────────────────────────────────────────────────────────────────────────

  labels(): string {
    return this.chance(3) ? `${this.pick(LABELS)}, ${this.pick(LABELS)}` : this.pick(LABELS);
  }

  grouping(): string {
    return this.pick(["", ` by (${this.labels()})`, ` by (${this.labels()})`, ` without (${this.labels()})`, " by ()"]);
  }

  aggregate(depth: number): Words {
    if (this.chance(5)) return this.pick(CHOOSING)[1](this, 0);
    const argument = this.vector(depth - 1);
    const op = this.pick([...AGGREGATES, "quantile"]);
    const first = op === "quantile" ? `${this.pick(["0.5", "0.9", "0", "1", "0.25"])}, ` : "";
    if (this.chance(3)) return say`${op}(${first}${argument})${this.grouping()}`;
    return say`${op}${this.grouping()} (${first}${argument})`;
  }

  // ── operators ──────────────────────────────────────────────────────────────────────────────────────────────────────

  binary(depth: number): Words {
    const sub = (): Words => this.vector(depth - 1);
    switch (this.dice(7)) {
      case 6:
        return this.chain(this.selector(), 2 + this.dice(4));
      case 0:
        return this.withScalar(this.pick([...ARITHMETIC, ...COMPARISONS]), say`(${sub()})`, depth);
      case 1:
        return this.setOperation(this.pick(SETS), say`(${sub()})`, say`(${sub()})`);
      case 2:
        return say`-(${sub()})`;
      case 3:
        return this.grouped(this.pick([...ARITHMETIC, ...COMPARISONS]));
      case 4:
        return this.withItself(this.pick([...ARITHMETIC, ...COMPARISONS]));
      default:
        return this.oneToOne(this.pick([...ARITHMETIC, ...COMPARISONS]), sub(), sub());
    }
  }

  operator(op: string): string {
    return COMPARISONS.includes(op) && this.chance(2) ? `${op} bool` : op;
  }

  withScalar(op: string, vector: Words, depth: number): Words {
    const number = this.scalar(depth - 1);
    if (this.chance(3)) return say`${number} ${this.operator(op)} ${vector}`;
    return say`${vector} ${this.operator(op)} ${number}`;
  }

  /** Operators side by side: which binds first is for the parser to know. */
  chain(first: Words, links: number): Words {
    let chain = say`${this.pick(["", "-", "+", "2 ^ -", "1 - "])}${first}`;
    for (let i = 0; i < links; i++) {
      const operand = this.pick(["2", "-1", "0.5", "3", "-pi()", "+2", "time()", "scalar(heartbeat)"]);
      chain = say`${chain} ${this.pick([...ARITHMETIC, ">= bool", "== bool", ">", "<"])} ${operand}`;
    }
    return chain;
  }

  setOperation(op: string, left: Words, right: Words): Words {
    const matching = this.pick(["", "", ` on (${this.labels()})`, ` ignoring (${this.labels()})`, " on ()"]);
    return say`${left} ${op}${matching} ${right}`;
  }

  /** Sides of one series for each value of some labels. */
  oneToOne(op: string, left: Words, right: Words): Words {
    const labels = this.labels();
    const matching = this.pick(["", ` on (${labels})`, ` ignoring (${this.labels()})`]);
    return say`sum by (${labels}) (${left}) ${this.operator(op)}${matching} max by (${labels}) (${right})`;
  }

  /** Series against their own past. */
  withItself(op: string): Words {
    const selector = this.selector();
    return say`${selector} ${this.operator(op)} (${selector} offset ${this.pick(["1m", "5m", "-2m", "10m"])})`;
  }

  /** Many to one, either way round. */
  grouped(op: string): Words {
    const many = this.chance(2) ? this.selector("web") : say`rate(${this.selector("counter")}[5m])`;
    const operator = this.operator(op);
    switch (this.dice(5)) {
      case 0:
        return say`${many} ${operator} on (instance) group_left () sum by (instance) (${this.selector("web")})`;
      case 1:
        return say`avg by (job) (${this.selector("web")}) ${operator} on (job) group_right ${many}`;
      case 2:
        return say`${many} ${operator} on (job, instance) group_left (version, env) target_info`;
      case 3:
        return say`capacity ${operator} ignoring (unit, kind, method, code) group_right (unit) ${many}`;
      default:
        return say`${many} ${operator} ignoring (method, code, kind, unit) group_left load`;
    }
  }
}

// ── functions with arguments of their own ────────────────────────────────────────────────────────────────────────────

type Build = (maker: PromqlMaker, depth: number) => Words;

/** Of a vector of the flavour; in the depths, of any. */
function of(flavour: Flavour, build: (maker: PromqlMaker, vector: Words) => Words): Build {
  return (maker, depth) => {
    const source = maker.chance(6) && flavour !== "dates" ? "odd" : flavour;
    return build(maker, depth > 0 ? maker.vector(depth - 1) : maker.selector(source));
  };
}

const CALLS: readonly (readonly [string, Build])[] = [
  ...MATH.map(([name, flavour]) => [name, of(flavour, (_, vector) => say`${name}(${vector})`)] as const),
  ...CALENDAR.map(
    (name) =>
      [name, of("dates", (maker, vector) => (maker.chance(5) ? say`${name}()` : say`${name}(${vector})`))] as const,
  ),
  [
    "round",
    of("gauge", (maker, vector) =>
      maker.pick([say`round(${vector})`, say`round(${vector}, 0.5)`, say`round(${vector}, 10)`]),
    ),
  ],
  [
    "clamp",
    of("gauge", (maker, vector) => say`clamp(${vector}, ${maker.pick(["-1", "0", "2", "5"])}, ${maker.scalar()})`),
  ],
  ["clamp_min", of("gauge", (maker, vector) => say`clamp_min(${vector}, ${maker.scalar()})`)],
  ["clamp_max", of("gauge", (maker, vector) => say`clamp_max(${vector}, ${maker.scalar()})`)],
  ["sort", of("distinct", (_, vector) => say`sort(${vector})`)],
  ["sort_desc", of("distinct", (_, vector) => say`sort_desc(${vector})`)],
  ["timestamp", of("any", (_, vector) => say`timestamp(${vector})`)],
  ["vector", (maker, depth) => say`vector(${maker.scalar(depth)})`],
  ["time", (maker) => say`vector(time() - ${maker.pick(NUMBERS)})`],
  ["pi", (maker) => say`vector(pi()) * ${maker.pick(NUMBERS)}`],
  ["scalar", (maker, depth) => say`vector(scalar(${depth > 0 ? maker.vector(depth - 1) : say`heartbeat`}))`],
  [
    "absent",
    (maker) =>
      say`absent(${maker.pick([say`nothing{job="web", a!="b"}`, maker.selector(), say`sum(nothing)`, say`nothing{job="x",job="y"}`])})`,
  ],
  [
    "absent_over_time",
    (maker) =>
      say`absent_over_time(${maker.pick([
        say`nothing{job="web", b=~"c"}[5m]`,
        say`short_lived[5m]`,
        say`late_total{job="batch"}[6m] offset 1h`,
        say`(sum(nothing))[5m:1m]`,
        maker.matrix("any", 1),
      ])})`,
  ],
  [
    "label_replace",
    of("any", (maker, vector) => {
      const [target, template, source, regex] = maker.pick([
        ["host", "$1", "instance", "([^:]+):.*"],
        ["job", "is-$1", "job", "(.).*"],
        ["code", "", "code", "2.*"],
        ["kind", "none", "kind", ""],
        ["copy", "$name", "room", "(?P<name>.+)"],
        ["__name__", "renamed", "__name__", ".*"],
      ] as const);
      return say`label_replace(${vector}, "${target}", "${template}", "${source}", "${regex}")`;
    }),
  ],
  [
    "label_join",
    of("any", (maker, vector) =>
      maker.pick([
        say`label_join(${vector}, "joined", "-", "job", "instance")`,
        say`label_join(${vector}, "room", "", "floor", "none", "room")`,
        say`label_join(${vector}, "empty", ",")`,
      ]),
    ),
  ],
  [
    "histogram_quantile",
    (maker) =>
      say`histogram_quantile(${maker.pick(["0.5", "0.9", "0.99", "0", "1", "-1", "2", "NaN"])}, ${maker.buckets()})`,
  ],
  [
    "quantile_over_time",
    (maker, depth) =>
      say`quantile_over_time(${maker.pick(["0.5", "0.9", "0", "1", "-1", "scalar(up) / 2"])}, ${maker.matrix("gauge", depth)})`,
  ],
  [
    "predict_linear",
    (maker, depth) =>
      say`predict_linear(${maker.matrix("gauge", depth)}, ${maker.pick(["60", "3600", "-600", "scalar(load)"])})`,
  ],
];

/** They choose series or make values labels: over values that are not equal, and without noise in the last digits. */
const CHOOSING: readonly (readonly [string, Build])[] = [
  [
    "topk",
    (maker) =>
      say`topk${maker.grouping()} (${maker.pick(["1", "2", "3.7", "0", "100"])}, ${maker.selector("distinct")})`,
  ],
  [
    "bottomk",
    (maker) => say`bottomk(${maker.pick(["1", "2", "5"])}, ${maker.selector("distinct")})${maker.grouping()}`,
  ],
  [
    "count_values",
    (maker) =>
      say`count_values${maker.grouping()} ("${maker.pick(["value", "job", "site"])}", ${maker.pick([maker.selector("codes"), maker.selector("web"), maker.selector("odd"), say`unit * 1e-9`, say`memory_bytes * 1e15`, say`round(${maker.selector("gauge")})`])})`,
  ],
  [
    "quantile",
    (maker) =>
      say`quantile${maker.grouping()} (${maker.pick(["0.5", "0.9", "0", "1", "-0.5", "7"])}, ${maker.selector()})`,
  ],
];

/** Each in turn. */
export const AIMS: readonly (readonly [string, (maker: PromqlMaker) => Aim])[] = [
  ...RANGE_FUNCTIONS.map(
    (one) =>
      [
        one[0],
        (maker: PromqlMaker) => maker.rangeCall(maker.chance(8) ? [one[0], "odd"] : one, maker.dice(2)),
      ] as const,
  ),
  ...[...CALLS, ...CHOOSING].map(([name, build]) => [name, (maker: PromqlMaker) => build(maker, 0)] as const),
  ...AGGREGATES.map(
    (op) =>
      [
        op,
        (maker: PromqlMaker) => say`${op}${maker.grouping()} (${maker.selector(maker.chance(6) ? "odd" : "any")})`,
      ] as const,
  ),
  ...[...ARITHMETIC, ...COMPARISONS].flatMap((op) => [
    [op, (maker: PromqlMaker) => maker.withScalar(op, maker.selector(), 1)] as const,
    [`${op} of vectors`, (maker: PromqlMaker) => maker.pick([maker.grouped(op), maker.withItself(op)])] as const,
  ]),
  ...SETS.map(
    (op) => [op, (maker: PromqlMaker) => maker.setOperation(op, maker.selector("web"), maker.selector("web"))] as const,
  ),
  ["subquery", (maker) => say`${maker.pick(RANGE_FUNCTIONS)[0]}(${maker.subquery(2)})`],
  ["shift", (maker) => maker.shifted("any")],
  ["sort", (maker) => ({ ...say`sort(${maker.selector("distinct")})`, isWhole: true })],
  ["sort_desc", (maker) => ({ ...say`sort_desc(${maker.selector("any")})`, isWhole: true })],
  ...NEWER_AIMS,
];
