/**
 * A family whose label names are part of its type, and whose label values come at run time:
 *
 *     const requests = set.counter("http_requests_total", { help: "Requests served.", labelNames: ["method", "status"] });
 *     const ok = requests.with({ method: "GET", status: 200 });
 *     ok.inc();                                      // a bound handle: no look-up
 *     requests.inc({ method: "GET", status: 404 });  // a look-up each time
 *     requests.inc({ methud: "GET" });               // does not compile
 *
 * Label values may be anything at all: nothing here throws because of one. What cannot be written as it came is corrected, and
 * counted in `metrics_label_corrections_total` (mishaps.ts lists the reasons).
 */
import type { Sample } from "../exposition/family.ts";
import { formatLabels } from "../exposition/labels.ts";
import { LabelTree } from "./label-tree.ts";
import type { Metric, MetricKind } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";

/** What a label may be set to; written as its text. */
export type LabelValue = string | number | boolean | bigint;

/** Values by label name. A label that is left out, undefined or "" is absent from the series. */
export type Labels<L extends string> = [L] extends [never]
  ? Readonly<Record<PropertyKey, never>>
  : { readonly [name in L]?: LabelValue | undefined };

/** What every typed family takes. */
export interface SeriesOptions<L extends string> {
  /** One sentence for `# HELP`. */
  readonly help: string;
  /** As OpenMetrics spells it (`seconds`, `bytes`); the name must end with it, before `_total`. Default: none. */
  readonly unit?: string;
  /** Default: none, the family is one series. */
  readonly labelNames?: readonly L[];
  /**
   * What a value is turned into before its series is looked up, each time: the place for normalizeUrl or a cardinality limiter. Is not called
   * for an absent label. Where it throws or returns no string the value is "other".
   */
  readonly shape?: { readonly [name in L]?: (value: string) => string };
  /** Label sets beyond it share one series whose labels all say "other". Default: 10 000. */
  readonly maxSeries?: number;
}

/** Longer label values are cut, in UTF-16 units. */
export const LABEL_VALUE_LENGTH_MAX = 1024;

const DEFAULT_MAX_SERIES = 10_000;
/** Value of every label of the series that takes what has no series of its own. */
const OTHER = "other";

export class SeriesFamily<L extends string, M extends Metric> {
  readonly name: string;
  readonly kind: MetricKind;
  readonly labelNames: readonly L[];
  readonly #mishaps: Mishaps;
  readonly #create: (labels: string) => M;
  readonly #maxSeries: number;
  /** One a label, null where a value is taken as it comes; null if no label has one. */
  readonly #shapes: readonly (((value: string) => string) | null)[] | null;
  /** A label is named like something every object inherits (`constructor`). */
  readonly #hasInheritedName: boolean;
  readonly #tree: LabelTree<M>;
  /** The series of a family without labels. */
  #single: M | null;
  /** In the order of writing; null when a series came or went. */
  #sorted: M[] | null = null;

  /** The names have been checked. @throws RangeError or TypeError if an option makes no sense */
  constructor(
    name: string,
    kind: MetricKind,
    options: SeriesOptions<L>,
    mishaps: Mishaps,
    create: (labels: string) => M,
  ) {
    const { labelNames = [], maxSeries = DEFAULT_MAX_SERIES, shape = {} } = options;
    if (!(Number.isInteger(maxSeries) && maxSeries >= 1)) {
      throw new RangeError(`metric ${name}: want a whole number of maxSeries, 1 or more, got ${String(maxSeries)}`);
    }
    this.name = name;
    this.kind = kind;
    this.labelNames = [...labelNames];
    this.#mishaps = mishaps;
    this.#create = create;
    this.#maxSeries = maxSeries;
    this.#shapes = checkShapes(name, labelNames, shape);
    this.#hasInheritedName = labelNames.some((label) => label in Object.prototype);
    this.#tree = new LabelTree(labelNames.length);
    this.#single = labelNames.length === 0 ? create("") : null;
  }

  /**
   * The series of these labels, made if there is none; the same object each time. Keep it where labels are known beforehand:
   * its updates cost a tenth of one that looks it up. Never throws.
   */
  with(labels?: Labels<L>): M {
    if (this.#single !== null) return this.#single;
    try {
      return this.#shapes === null && !this.#hasInheritedName ? this.#find(labels) : this.#findOrAdd(labels);
    } catch {
      // A getter, a proxy or a toString of the caller's.
      this.#mishaps.correct("unreadable");
      return this.#findOther();
    }
  }

  /**
   * Forgets the series of these labels; true if there was one. Who holds its handle may go on updating it, unseen. A family without
   * labels starts its one series anew.
   */
  remove(labels?: Labels<L>): boolean {
    this.#sorted = null;
    if (this.#single !== null) {
      this.#single = this.#create("");
      return true;
    }
    try {
      const values = this.#readAll(labels).map((value) => this.#correct(value));
      return this.#tree.remove(values) !== undefined;
    } catch {
      this.#mishaps.correct("unreadable");
      return false;
    }
  }

  /** Forgets all series. */
  clear(): void {
    this.#sorted = null;
    if (this.#single !== null) this.#single = this.#create("");
    this.#tree.clear();
  }

  /** How many series there are. */
  get size(): number {
    return this.#single === null ? this.#tree.size : 1;
  }

  /** All series, sorted by their labels. */
  series(): readonly M[] {
    if (this.#single !== null) return [this.#single];
    this.#sorted ??= [...this.#tree.leaves()].sort((a, b) => (a.labels < b.labels ? -1 : 1));
    return this.#sorted;
  }

  /** Appends the samples of all series. Never throws; says how many series could not tell their value. */
  collect(samples: Sample[]): number {
    let failed = 0;
    for (const metric of this.series()) {
      if (!metric.collect(samples)) failed++;
    }
    return failed;
  }

  /** The hot path: values are taken as they come, because only correct ones have ever been added to the tree. */
  #find(labels: Labels<L> | undefined): M {
    const given = (labels ?? NO_LABELS) as Readonly<Record<string, unknown>>;
    const names: readonly string[] = this.labelNames;
    let node: unknown = this.#tree.root;
    for (let i = 0; i < names.length; i++) {
      const value = given[names[i] as string];
      const text = typeof value === "string" ? value : formatScalar(value);
      // A long one is not looked up: it would have to be hashed.
      if (text === null || text.length > LABEL_VALUE_LENGTH_MAX) return this.#findOrAdd(labels);
      node = (node as Map<string, unknown>).get(text);
      if (node === undefined) return this.#findOrAdd(labels);
    }
    return node as M;
  }

  /** The careful path: each value shaped, corrected, and the series made if it is new. */
  #findOrAdd(labels: Labels<L> | undefined): M {
    const values = this.#readAll(labels).map((value) => this.#correct(value));
    const found = this.#tree.find(values);
    if (found !== undefined) return found;
    for (const name of Object.keys(labels ?? NO_LABELS)) {
      if (!(this.labelNames as readonly string[]).includes(name)) this.#mishaps.correct("unknown_label");
    }
    if (this.#tree.size < this.#maxSeries) return this.#add(values);
    this.#mishaps.correct("folded");
    return this.#findOther();
  }

  #findOther(): M {
    const values = this.labelNames.map(() => OTHER);
    return this.#tree.find(values) ?? this.#add(values);
  }

  #add(given: readonly string[]): M {
    const values = given.map(ownCopy);
    const metric = this.#create(formatLabels(this.labelNames.map((name, i) => [name, values[i] as string])));
    this.#tree.add(values, metric);
    this.#sorted = null;
    return metric;
  }

  #readAll(labels: Labels<L> | undefined): string[] {
    const given = (labels ?? NO_LABELS) as Readonly<Record<string, unknown>>;
    return this.labelNames.map((name, i) => {
      const text = formatScalar(this.#hasInheritedName && !Object.hasOwn(given, name) ? undefined : given[name]);
      if (text === null) {
        this.#mishaps.correct("not_a_scalar");
        return OTHER;
      }
      const shape = this.#shapes?.[i] ?? null;
      return text === "" || shape === null ? text : this.#applyShape(shape, text);
    });
  }

  #applyShape(shape: (value: string) => string, text: string): string {
    try {
      const shaped: unknown = shape(text);
      if (typeof shaped === "string") return shaped;
    } catch {
      // Counted below.
    }
    this.#mishaps.correct("shape_failed");
    return OTHER;
  }

  /** Cut, and free of halves of surrogate pairs, which no UTF-8 can hold: distinct values stay distinct when written. */
  #correct(text: string): string {
    let value = text;
    if (value.length > LABEL_VALUE_LENGTH_MAX) {
      this.#mishaps.correct("cut");
      const last = value.charCodeAt(LABEL_VALUE_LENGTH_MAX - 1);
      const isFirstHalf = last >= 0xd800 && last < 0xdc00;
      value = value.slice(0, isFirstHalf ? LABEL_VALUE_LENGTH_MAX - 1 : LABEL_VALUE_LENGTH_MAX);
    }
    return LONE_SURROGATE.test(value) ? value.replace(LONE_SURROGATES, "\ufffd") : value;
  }
}

const NO_LABELS: Readonly<Record<string, never>> = Object.freeze({});
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * The same text in memory of its own. V8 makes a slice of a string keep the whole string alive: thirty characters cut out of a
 * request's body would hold the body for as long as the series lives.
 */
function ownCopy(value: string): string {
  return value.length < SLICE_LENGTH_MIN ? value : (JSON.parse(JSON.stringify(value)) as string);
}

/** Shorter slices are copied by V8 anyway. */
const SLICE_LENGTH_MIN = 13;

/** Text of a label's value; "" if it is absent, null if it is no scalar. */
function formatScalar(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "undefined":
      return "";
    default:
      return value === null ? "" : null;
  }
}

function checkShapes<L extends string>(
  metric: string,
  labelNames: readonly L[],
  shape: NonNullable<SeriesOptions<L>["shape"]>,
): (((value: string) => string) | null)[] | null {
  const names = Object.keys(shape);
  for (const name of names) {
    if (!(labelNames as readonly string[]).includes(name)) {
      throw new TypeError(
        `metric ${metric}: a shape for "${name}", which is none of its labels ${labelNames.join(", ")}`,
      );
    }
    if (typeof shape[name as L] !== "function")
      throw new TypeError(`metric ${metric}: the shape of "${name}" is no function`);
  }
  if (names.length === 0) return null;
  return labelNames.map((name) => (Object.hasOwn(shape, name) ? (shape[name] ?? null) : null));
}
