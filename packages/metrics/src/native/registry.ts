/**
 * What a set holds: families by name, each either typed or made of metrics that were asked for by their names, and how all of it
 * becomes {@link Family}s, those in which the set counts its own mishaps among them.
 */
import { AGGREGATIONS, type Family, type ProcessAggregation, type Sample } from "../exposition/family.ts";
import { type Metric, type MetricKind, metricKinds } from "./metric.ts";
import { checkFamilyName, type MetricName, parseMetricName, refuseLabels } from "./metric-name.ts";
import { Mishaps } from "./mishaps.ts";
import { NameTable } from "./name-table.ts";
import type { SeriesFamily } from "./series-family.ts";

/** What a family says about itself. */
export interface Description {
  /** One sentence for `# HELP`. Default: none. */
  readonly help?: string;
  /** As OpenMetrics spells it (`seconds`, `bytes`); the name must end with it, before `_total`. Default: none. */
  readonly unit?: string;
  /** How values of several processes become one. Default: "sum". */
  readonly aggregation?: ProcessAggregation;
}

/** Families a set writes about itself. Nobody else can have these names. */
const CALLBACK_ERRORS = "metrics_callback_errors_total";
const IGNORED_UPDATES = "metrics_ignored_updates_total";
const LABEL_CORRECTIONS = "metrics_label_corrections_total";

type AnySeriesFamily = SeriesFamily<string, Metric>;

/** One family, typed or not. */
interface Entry {
  readonly name: string;
  readonly kind: MetricKind;
  readonly mishaps: Mishaps;
  readonly content: AnySeriesFamily | NamedMetrics;
}

export class Registry {
  readonly #names = new NameTable();
  readonly #entries = new Map<string, Entry>();
  readonly #descriptions = new Map<string, Description>();
  /** By each spelling a caller has used, so that asking again does not parse again. */
  readonly #spellings = new Map<string, Metric>();
  /** Those that are not canonical, for forgetting: few metrics have any. */
  readonly #otherSpellings = new Map<Metric, string[]>();
  /** In the order of writing; null when a family came or went. */
  #sorted: Entry[] | null = null;
  #callbackErrors = 0;

  constructor() {
    for (const name of [CALLBACK_ERRORS, IGNORED_UPDATES, LABEL_CORRECTIONS]) {
      this.#names.claim(name, metricKinds.counter);
    }
  }

  /** The metric of that name, made if there is none. */
  getOrCreate<M extends Metric>(
    spelling: string,
    kind: MetricKind,
    metricClass: new (...args: never[]) => M,
    create: (name: MetricName, mishaps: Mishaps) => M,
  ): M {
    let metric = this.#spellings.get(spelling);
    if (metric === undefined) {
      const name = parseMetricName(spelling);
      metric = this.#find(name) ?? this.#add(name, kind, create);
      if (metric instanceof metricClass) this.#remember(spelling, name.text, metric);
    }
    if (metric instanceof metricClass) return metric;
    const owner = metric.constructor.name;
    throw new TypeError(
      `metric ${parseMetricName(spelling).text}: want a ${metricClass.name}, but the name already belongs to a ${owner}`,
    );
  }

  /** A new metric. */
  create<M extends Metric>(spelling: string, kind: MetricKind, create: (name: MetricName, mishaps: Mishaps) => M): M {
    const name = parseMetricName(spelling);
    const metric = this.#find(name);
    if (metric === undefined) return this.#add(name, kind, create);
    throw new TypeError(`metric ${name.text}: want a new one, but there is a ${metric.constructor.name} of that name`);
  }

  /** The typed family of that name, made if there is none. */
  getOrCreateFamily<F extends AnySeriesFamily>(
    name: string,
    kind: MetricKind,
    familyClass: new (...args: never[]) => F,
    labelNames: readonly string[],
    description: Description,
    create: (mishaps: Mishaps) => F,
  ): F {
    checkFamilyName(name, labelNames, kind.ownLabels);
    checkDescription(name, description);
    const content = this.#entries.get(name)?.content;
    if (content === undefined) {
      const mishaps = new Mishaps(name);
      const family = create(mishaps);
      this.#addEntry({ name, kind, mishaps, content: family });
      this.#descriptions.set(name, description);
      return family;
    }
    if (content instanceof NamedMetrics) {
      throw new TypeError(`metric ${name}: want a typed family, but ${content.list(name)[0]} was made by its name`);
    }
    if (!(content instanceof familyClass)) {
      throw new TypeError(`metric ${name}: want a ${familyClass.name}, but there is a ${content.constructor.name}`);
    }
    const known = content.labelNames;
    if (known.length !== labelNames.length || known.some((label, i) => label !== labelNames[i])) {
      const [want, got] = [labelNames, known].map((names) => `[${names.join(", ").slice(0, LIST_LENGTH_MAX)}]`);
      throw new TypeError(`metric ${name}: want labels ${want}, but the family has ${got}`);
    }
    return content;
  }

  describe(family: string, description: Description): void {
    checkFamilyName(family);
    checkDescription(family, description);
    this.#descriptions.set(family, { ...this.#descriptions.get(family), ...description });
  }

  /** Forgets one metric, or a typed family as a whole. True if there was one. */
  unregister(spelling: string): boolean {
    const name = parseMetricName(spelling);
    const entry = this.#entries.get(name.family);
    if (entry === undefined) return false;
    const { content } = entry;
    if (content instanceof NamedMetrics) {
      const metric = content.remove(name.labels);
      if (metric === undefined) return false;
      this.#spellings.delete(name.text);
      for (const other of this.#otherSpellings.get(metric) ?? []) this.#spellings.delete(other);
      this.#otherSpellings.delete(metric);
      if (content.size > 0) return true;
    } else if (name.labels !== "") {
      return false;
    } else {
      this.#descriptions.delete(name.family);
    }
    this.#entries.delete(name.family);
    this.#names.release(name.family, entry.kind);
    this.#sorted = null;
    return true;
  }

  /** Forgets all families; what {@link describe} said stays. */
  clear(): void {
    for (const entry of this.#entries.values()) this.#names.release(entry.name, entry.kind);
    this.#entries.clear();
    this.#spellings.clear();
    this.#otherSpellings.clear();
    this.#sorted = null;
  }

  /** Canonical names of all metrics, in the order of writing. */
  listNames(): string[] {
    return this.#inOrder().flatMap(({ name, content }) => {
      if (content instanceof NamedMetrics) return content.list(name);
      return content.series().map(({ labels }) => (labels === "" ? name : `${name}{${labels}}`));
    });
  }

  /** Counts a source of families that threw like a callback of a gauge. */
  countCallbackError(): void {
    this.#callbackErrors++;
  }

  /** Sorted by name. Never throws. */
  collect(): Family[] {
    const families: Family[] = [];
    const ignored: Sample[] = [];
    const corrected: Sample[] = [];
    for (const { name, kind, mishaps, content } of this.#inOrder()) {
      const samples: Sample[] = [];
      this.#callbackErrors += content.collect(samples);
      mishaps.collect(ignored, corrected);
      const { help = "", unit = "", aggregation = "sum" } = this.#descriptions.get(name) ?? {};
      families.push({ name, type: kind.type, help, unit, aggregation, samples });
    }
    const errors: Sample[] = this.#callbackErrors > 0 ? [{ suffix: "", labels: "", value: this.#callbackErrors }] : [];
    const own = [
      makeOwnFamily(CALLBACK_ERRORS, "Callbacks of gauges that threw or returned no number.", errors),
      makeOwnFamily(IGNORED_UPDATES, "Updates that were ignored, by metric and by what was wrong with them.", ignored),
      makeOwnFamily(
        LABEL_CORRECTIONS,
        "Label values that were cut, folded or replaced, by metric and reason.",
        corrected,
      ),
    ].filter((family) => family.samples.length > 0);
    return own.length === 0 ? families : [...families, ...own].sort((a, b) => compareText(a.name, b.name));
  }

  #remember(spelling: string, canonical: string, metric: Metric): void {
    this.#spellings.set(spelling, metric);
    if (spelling === canonical) return;
    const others = this.#otherSpellings.get(metric);
    if (others === undefined) this.#otherSpellings.set(metric, [spelling]);
    else others.push(spelling);
  }

  #find(name: MetricName): Metric | undefined {
    const content = this.#entries.get(name.family)?.content;
    if (content === undefined) return undefined;
    if (content instanceof NamedMetrics) return content.find(name.labels);
    throw new TypeError(`metric ${name.text}: ${name.family} is a typed family, ask it for its series`);
  }

  #add<M extends Metric>(name: MetricName, kind: MetricKind, create: (name: MetricName, mishaps: Mishaps) => M): M {
    refuseLabels(name, kind.ownLabels);
    const known = this.#entries.get(name.family);
    // A second claim by another kind is refused, with the reason.
    if (known !== undefined && known.kind !== kind) this.#names.claim(name.family, kind);
    const mishaps = known?.mishaps ?? new Mishaps(name.family);
    const metric = create(name, mishaps);
    const content = (known?.content as NamedMetrics | undefined) ?? new NamedMetrics();
    if (known === undefined) this.#addEntry({ name: name.family, kind, mishaps, content });
    content.add(metric);
    return metric;
  }

  #addEntry(entry: Entry): void {
    this.#names.claim(entry.name, entry.kind);
    this.#entries.set(entry.name, entry);
    this.#sorted = null;
  }

  #inOrder(): Entry[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => compareText(a.name, b.name));
    return this.#sorted;
  }
}

/** Metrics of one family that were made by their names, by the text of their labels. */
class NamedMetrics {
  readonly #metrics = new Map<string, Metric>();
  #sorted: Metric[] | null = null;

  get size(): number {
    return this.#metrics.size;
  }

  find(labels: string): Metric | undefined {
    return this.#metrics.get(labels);
  }

  add(metric: Metric): void {
    this.#metrics.set(metric.labels, metric);
    this.#sorted = null;
  }

  remove(labels: string): Metric | undefined {
    const metric = this.#metrics.get(labels);
    if (metric === undefined) return undefined;
    this.#metrics.delete(labels);
    this.#sorted = null;
    return metric;
  }

  list(family: string): string[] {
    return this.#inOrder().map(({ labels }) => (labels === "" ? family : `${family}{${labels}}`));
  }

  /** How many could not tell their value. */
  collect(samples: Sample[]): number {
    let failed = 0;
    for (const metric of this.#inOrder()) {
      if (!metric.collect(samples)) failed++;
    }
    return failed;
  }

  #inOrder(): Metric[] {
    this.#sorted ??= [...this.#metrics.values()].sort((a, b) => compareText(a.labels, b.labels));
    return this.#sorted;
  }
}

function makeOwnFamily(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, unit: "", aggregation: "sum", samples };
}

/** Of label names in a message. */
const LIST_LENGTH_MAX = 200;
/** In UTF-16 units: each scrape carries it. */
const HELP_LENGTH_MAX = 65_536;

function checkDescription(family: string, { help = "", unit = "", aggregation = "sum" }: Description): void {
  if (typeof help !== "string") throw new TypeError(`metric ${family}: want a help text, got ${typeof help}`);
  if (help.length > HELP_LENGTH_MAX) {
    throw new TypeError(
      `metric ${family}: want a help text of at most ${HELP_LENGTH_MAX} UTF-16 units, got ${help.length}`,
    );
  }
  if (typeof unit !== "string") throw new TypeError(`metric ${family}: want a unit, got ${typeof unit}`);
  if (!AGGREGATIONS.includes(aggregation)) {
    throw new TypeError(
      `metric ${family}: want an aggregation of ${AGGREGATIONS.join(", ")}, got ${String(aggregation)}`,
    );
  }
  if (unit !== "" && !family.replace(/_total$/, "").endsWith(`_${unit}`)) {
    throw new TypeError(
      `metric ${family}: its unit is ${JSON.stringify(unit.slice(0, 100))}, so its name must end with it`,
    );
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
