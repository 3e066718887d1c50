/**
 * Random MetricsQL queries over the corpus' data set, by seed: typed, so that nearly all of them can be evaluated. What depends on
 * chance, on a clock or on hashes is not among them, but where the answer does not.
 *
 * Every seed has its turn: one template of a function, operator or modifier, so that a run of some hundred seeds has used all of them.
 * What goes into the template, and what is done with it, the dice say.
 */
import { parse } from "@nyanza/tsdb/metricsql";
import { NEWER_FORMS } from "../../corpora/metricsql-newer.ts";
import { isNewer } from "./metricsql-older-words.ts";
import { ROLLUPS } from "./metricsql-tables.ts";
import { featuresOf } from "./metricsql-tree.ts";
import * as words from "./random-metricsql-words.ts";
import { type Dice, diceOf } from "./random-queries.ts";

/** A vector's text, and whether its values are as they were stored, or computed without rounding. */
interface Made {
  readonly text: string;
  readonly isExact: boolean;
}

type Turn = (generator: Generator) => Made;

export function randomMetricsql(seed: number): string {
  const dice = diceOf(seed);
  const generator = new Generator(dice);
  const made = (TURNS[seed % TURNS.length] as Turn)(generator);
  return dice(4) > 0 ? made.text : generator.wrap(made).text;
}

const LABELS = ["job", "instance", "device", "mode", "status", "k", "sign", "room"];
const WINDOWS = ["5m", "10m", "7m30s", "1h", "300", "3i", "900s"];
const SUBQUERIES = ["[5m:1m]", "[10m:30s]", "[10m:2m]", "[1h:2m]", "[1h:]", "[20m:1i]"];
const NUMBERS = ["1", "2.5", "-1", "10", "0.5", "1e3", "100", "3K", "1Mi"];
const SHIFTS = [" offset 5m", " offset -1m", " @ 1704069900", " @ end()", " @ start()", " offset 1i"];

const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS = ["==", "!=", ">", "<", ">=", "<="];
const SETS = ["and", "or", "unless", "if", "ifnot", "default"];

/** Functions that write the label `rollup`. */
const LABELS_ROLLUP = /\b(rollup|rollup_\w+|aggr_over_time)\(/;

class Generator {
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Something done with it. */
  wrap(made: Made): Made {
    switch (this.#dice(6)) {
      case 0:
      case 1:
        return this.fill(this.#suiting(words.TRANSFORM_TEMPLATES, made), made);
      case 2:
      case 3:
        return this.aggregate(this.#suiting(words.AGGREGATE_TEMPLATES, made), made);
      case 4:
        return this.scaled(made, this.#pick(["+", "-", "*", "/"]));
      default:
        return this.joined(made, this.#pick(["+", "-", "*", "/"]));
    }
  }

  vector(depth: number): Made {
    if (depth <= 0) return this.selector();
    switch (this.#dice(9)) {
      case 0:
        return this.selector();
      case 1:
      case 2:
      case 3:
        return this.rollup(this.#one(words.ROLLUP_TEMPLATES), depth);
      case 4:
      case 5:
        return this.fill(this.#one(words.TRANSFORM_TEMPLATES), null, depth);
      case 6:
      case 7:
        return this.aggregate(this.#one(words.AGGREGATE_TEMPLATES), null, depth);
      default:
        return this.scaled(this.vector(depth - 1), this.#pick(["+", "-", "*", "/"]));
    }
  }

  /** A vector whose values are exact. */
  exact(depth: number): Made {
    switch (depth <= 0 ? 0 : this.#dice(5)) {
      case 1:
        return this.rollup(this.#one(words.ROLLUP_TEMPLATES.filter(({ isExact }) => isExact)), 0);
      case 2:
        return this.aggregate(this.#one(words.AGGREGATE_TEMPLATES.filter(({ isExact }) => isExact)), this.exact(0));
      case 3:
        return this.compared(this.exact(0), this.#pick([">", "<="]), " bool");
      default:
        return this.selector();
    }
  }

  selector(): Made {
    const text = this.#pick([...words.COUNTERS, ...words.GAUGES]);
    return {
      text: this.#dice(3) > 0 ? text : text + this.#pick(["[5m]", "[10m] offset 3m", ...SHIFTS]),
      isExact: true,
    };
  }

  /** A rollup over a selector, or over a subquery. Windows are several scrapes wide: 1.79.5 widens narrow ones. */
  rollup(template: words.Template, depth: number): Made {
    const isNested = depth > 0 && this.#dice(3) === 0 && !template.text.startsWith("absent_over_time");
    const inner = template.isSmooth ? this.vector(depth - 1) : this.exact(depth - 1);
    // At the one time of @ the step counts since v1.108.1; 1.79.5 writes a label `rollup` beside another one.
    const samples =
      isNested && !inner.text.includes(" @ ") && !(LABELS_ROLLUP.test(template.text) && LABELS_ROLLUP.test(inner.text))
        ? `(${inner.text})${this.#pick(SUBQUERIES)}`
        : this.#samples(template);
    const isExact = template.isExact && (!isNested || inner.isExact);
    return { text: this.#keeping(this.#put(template.text, samples)), isExact };
  }

  /** m[d]; of one-argument functions the window may be left out. */
  #samples({ text }: words.Template): string {
    const isCounted = ROLLUPS.get(/\w+/.exec(text)?.[0] ?? "")?.flags.resets === true;
    const gauges = isCounted ? words.COUNTABLE : words.GAUGES;
    const selector = this.#pick(this.#dice(2) === 0 ? words.COUNTERS : gauges);
    const isBare = text.endsWith("(@)") && this.#dice(4) === 0;
    const shift =
      text.startsWith("absent_over_time") || this.#dice(3) > 0 ? "" : this.#pick([" offset 5m", " @ 1704070200"]);
    return selector + (isBare ? "" : `[${this.#pick(WINDOWS)}]`) + shift;
  }

  /** A template with `made`, or with what it wants to have. */
  fill(template: words.Template, made: Made | null, depth = 2): Made {
    const { text, over, isExact } = template;
    if (over === "none") return { text, isExact };
    if (over === "named") {
      const [selector, label] = this.#pick(words.NAMED);
      return {
        text: this.#put(text.replaceAll("^", text.includes("sort_by_label") ? `"${label}"` : label), selector),
        isExact,
      };
    }
    const inner = made ?? this.#input(over, depth);
    return { text: this.#keeping(this.#put(text, inner.text)), isExact: isExact && inner.isExact };
  }

  #input(over: words.Input, depth: number): Made {
    switch (over) {
      case "exact":
        return this.exact(depth - 1);
      case "labelled":
        return { text: this.#pick(words.LABELLED), isExact: true };
      case "unit":
        return { text: this.#pick(words.UNITS), isExact: true };
      case "whole":
        return { text: this.#pick(words.WHOLES), isExact: true };
      case "times":
        return { text: this.#pick(words.TIMES), isExact: true };
      case "buckets":
        return { text: this.#pick(words.BUCKETS), isExact: false };
      default:
        return this.vector(depth - 1);
    }
  }

  aggregate(template: words.Template, made: Made | null, depth = 2): Made {
    const { text, isExact } = this.fill(template, made, depth);
    if (/ keep_metric_names$| by \([^)]*\)$/.test(text) || template.over === "none") return { text, isExact };
    return {
      text: text + this.#pick(["", "", ...this.#groupings()]) + this.#pick(["", "", "", "", " limit 100"]),
      isExact,
    };
  }

  #groupings(): string[] {
    return [` by (${this.labels()})`, ` by (${this.labels()})`, ` without (${this.labels()})`];
  }

  /** q op number */
  scaled(made: Made, op: string): Made {
    const number = op === "^" ? this.#pick(["2", "0.5", "-1"]) : this.#number();
    const text =
      this.#dice(3) === 0 && op !== "^" ? `${number} ${op} (${made.text})` : `(${made.text}) ${op} ${number}`;
    return { text, isExact: false };
  }

  /** q op number, which keeps points or says whether. */
  compared(made: Made, op: string, bool: string = this.#dice(2) === 0 ? " bool" : ""): Made {
    const number = this.#pick(NUMBERS);
    return {
      text: this.#dice(3) === 0 ? `${number} ${op}${bool} (${made.text})` : `(${made.text}) ${op}${bool} ${number}`,
      isExact: made.isExact,
    };
  }

  /** sum by op avg by, in several ways */
  joined(made: Made, op: string, bool = ""): Made {
    const other = ["+", "-", "*", "/"].includes(op) ? this.vector(1) : this.exact(1);
    const by = this.labels();
    // Nothing to the power of 0 is 1 in 1.79.5.
    const second = op === "^" ? `clamp_min(${other.text}, 0.5)` : other.text;
    const [left, right] = [`max(${made.text}) by (${by})`, `min(${second}) by (${by})`];
    const matching = this.#pick(["", ` on (${by})`, " ignoring (nothing)"]);
    return { text: `${left} ${op}${bool}${matching} ${right}`, isExact: false };
  }

  /** A set operator between two vectors. */
  set(op: string): Made {
    const left = this.exact(1);
    const right = this.#dice(2) === 0 ? this.exact(1) : this.compared(left, this.#pick(COMPARISONS));
    const matching = this.#pick(["", "", ` on (${this.labels()})`, ` ignoring (${this.labels()})`]);
    return { text: `(${left.text}) ${op}${matching} (${right.text})`, isExact: left.isExact && right.isExact };
  }

  labels(): string {
    const first = this.#pick(LABELS);
    return this.#dice(3) === 0 ? `${first}, ${this.#pick(LABELS)}` : first;
  }

  pick<T>(choices: readonly T[]): T {
    return this.#pick(choices);
  }

  /** How much is put into a rollup. */
  depth({ isSmooth }: words.Template): number {
    return this.#dice(2) === 0 ? 0 : isSmooth ? 2 : 1;
  }

  /** One that `made` may go into. */
  #suiting(templates: readonly words.Template[], made: Made): words.Template {
    return this.#one(templates.filter(({ over }) => over === "vector" || (over === "exact" && made.isExact)));
  }

  #number(): string {
    return this.#dice(8) === 0
      ? this.#pick(["time()", "step()", "pi()", "scalar(node_load1)", 'scalar(series_a{k="1"})', "5m", "1i"])
      : this.#pick(NUMBERS);
  }

  #put(text: string, input: string): string {
    return text.replaceAll("@", () => input).replaceAll("#", () => this.#pick(NUMBERS));
  }

  /** A function may keep names; an operator, too, but that is newer. */
  #keeping(text: string): string {
    if (this.#dice(8) !== 0 || text.startsWith("(")) return text;
    const expr = parse(text);
    return expr.kind === "function" && !isNewer(expr.name) ? `${text} keep_metric_names` : text;
  }

  #one(templates: readonly words.Template[]): words.Template {
    return templates[this.#dice(templates.length)] as words.Template;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#dice(choices.length)] as T;
  }
}

/** `k` matches one series of series_c with two of the other side, and back. */
const MANY_TO_ONE = [
  "series_c @ on (k) group_left () series_a",
  'series_c @ on (k) group_left (new) label_set(series_a, "new", "x")',
  "series_a @ on (k) group_right () series_c",
  "kube_pod_info @ on (namespace) group_left (team, tier) kube_namespace_labels",
  "http_requests_total @ on (instance) group_left () sum(http_requests_total) by (instance)",
  "status_code @ on (instance) group_left (version, revision) build_info",
  "node_load1 @ ignoring (job) group_left () (max(node_load1) by (instance))",
  "sum(node_load1) by (job) @ on (job) group_right () node_load1",
];

/** The templates of one function are one turn: the first word says which. */
function byFunction(templates: readonly words.Template[]): words.Template[][] {
  const groups = new Map<string, words.Template[]>();
  for (const template of templates) {
    const name = /\w+/.exec(template.text)?.[0] ?? template.text;
    groups.set(name, [...(groups.get(name) ?? []), template]);
  }
  return [...groups.values()];
}

/** Of the newer forms those that no template has. */
const SYNTAX_FORMS: readonly string[] = NEWER_FORMS.map(([text]) => text).filter((text) =>
  [...featuresOf(parse(text))].some((feature) => /^fill|^prefix|^group_\*\(\*\)|^\(binary\)|^\{…|^union/.test(feature)),
);

function turns<T>(list: readonly T[], make: (generator: Generator, one: T) => Made): Turn[] {
  return list.map((one) => (generator) => make(generator, one));
}

/** They come again after as many seeds. */
export const TURNS: readonly Turn[] = [
  ...turns(byFunction([...words.ROLLUP_TEMPLATES, ...words.CHOSEN_TEMPLATES]), (generator, group) => {
    const template = generator.pick(group);
    if (template.over === "none") return generator.fill(template, null);
    return generator.rollup(template, generator.depth(template));
  }),
  ...turns(byFunction(words.TRANSFORM_TEMPLATES), (generator, group) => generator.fill(generator.pick(group), null, 1)),
  ...turns(byFunction([...words.AGGREGATE_TEMPLATES, ...words.NAMED_AGGREGATES]), (generator, group) => {
    const template = generator.pick(group);
    const isWhole = template.over === "named" || template.over === "none";
    return isWhole ? generator.fill(template, null) : generator.aggregate(template, null);
  }),
  ...turns(ARITHMETIC, (generator, op) => generator.scaled(generator.exact(1), op)),
  ...turns(COMPARISONS, (generator, op) => generator.compared(generator.exact(1), op)),
  ...turns(ARITHMETIC, (generator, op) => generator.joined(generator.exact(1), op)),
  ...turns(["", " bool"], (generator, bool) => generator.joined(generator.exact(1), generator.pick(COMPARISONS), bool)),
  ...turns([...SETS, ...SETS, ...SETS], (generator, op) => generator.set(op)),
  ...turns(MANY_TO_ONE, (generator, text) => {
    const op = generator.pick(["+", "-", "*", "/", "> bool", "== bool"]);
    return { text: text.replace("@", op), isExact: false };
  }),
  ...turns(SYNTAX_FORMS, (_, text) => ({ text, isExact: false })),
  ...turns([1, 2, 3, 4], (generator) => ({ text: generator.pick(NEWER_FORMS)[0], isExact: false })),
];
