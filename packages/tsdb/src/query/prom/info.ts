/**
 * info(vector, {label filters}): gives series the labels of the info metrics of the same `instance` and `job`, such as `target_info`.
 *
 *   m{instance="a", job="x"}  +  target_info{instance="a", job="x", version="1"}  =  m{instance="a", job="x", version="1"}
 *
 * Experimental in Prometheus; what is here follows its release 3.
 */
import { InputError } from "../../base/errors.ts";
import type { LabelFilter } from "../../base/label-filter.ts";
import { Labels } from "../../base/labels.ts";
import { compileRegex, MAX_PATTERN_LENGTH, quoteRegex } from "../../base/regex.ts";
import { chainOf, type PromAt, type PromBinary, type PromCall, type PromExpr } from "../../promql/ast.ts";
import { withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import { offsetMs } from "./durations.ts";
import { mergeSameLabels } from "./label-sets.ts";
import { labelSetText } from "./label-text.ts";
import { dotAll, lookUp, type Sight, shiftedSight } from "./selectors.ts";
import type { EvaluateExpr } from "./subquery.ts";
import type { PromSeries } from "./value.ts";

/** What a series and its info series have in common. */
const IDENTITY: readonly string[] = ["instance", "job"];
/** Longer lists of identities are not worth a filter. */
const IDENTITY_PATTERN_MAX = Math.min(64 * 1024, MAX_PATTERN_LENGTH);

/** @throws InputError 422 if two info series say different things at the same time */
export async function evaluateInfo(
  context: PromContext,
  call: PromCall,
  evaluate: EvaluateExpr,
): Promise<PromSeries[]> {
  const [first, second] = call.args;
  if (first === undefined) return [];
  const value = await evaluate(context, first);
  const base = value.kind === "vector" ? value.series : [];
  const selector = withoutParens(second);
  const filters = selector?.kind === "selector" ? selector.filters : [];
  const nameFilters = namesMeant(filters.filter(({ label }) => label === "__name__"));
  const dataFilters = filters.filter(({ label }) => label !== "__name__");

  const enriched: PromSeries[] = [];
  const result: PromSeries[] = [];
  const { run } = context.grid;
  for (const series of base) {
    if (run.isDue()) await run.breathe();
    const isInfo = nameFilters.every((filter) => matches(filter, series.labels.name));
    (isInfo ? result : enriched).push(series);
  }
  const identities = identityFilters(enriched);
  const infos =
    identities === null
      ? []
      : await lookUp(context, [...identities, ...dataFilters, ...nameFilters], sightOfFirst(context, first), "time");
  const groups = groupInfos(context, infos);
  const mayLack = dataFilters.every((filter) => matches(filter, ""));
  const wanted = new Set(dataFilters.map(({ label }) => label));
  for (const series of enriched) {
    if (run.isDue()) await run.breathe();
    const sources = groups.get(identityOf(series.labels)) ?? [];
    split(
      context,
      series,
      sources,
      (chosen) => {
        if (chosen.length === 0) return mayLack ? series.labels : null;
        return addLabels(series.labels, chosen, wanted);
      },
      result,
    );
  }
  return await mergeSameLabels(run, result);
}

/** Without a filter that says what a name is: `target_info`, or whatever `.+_info` the negative ones leave. */
function namesMeant(filters: readonly LabelFilter[]): readonly LabelFilter[] {
  if (filters.length === 0) return [{ label: "__name__", op: "=", value: "target_info" }];
  if (filters.some(({ op }) => op === "=" || op === "=~")) return filters;
  return [{ label: "__name__", op: "=~", value: ".+_info" }, ...filters];
}

function matches(filter: LabelFilter, text: string): boolean {
  const { op, value } = dotAll(filter);
  if (op === "=" || op === "!=") return (text === value) === (op === "=");
  return compileRegex(value).matches(text) === (op === "=~");
}

/** The instances and jobs that occur; null if no series has either. */
function identityFilters(list: readonly PromSeries[]): LabelFilter[] | null {
  const filters: LabelFilter[] = [];
  let isKnown = false;
  for (const label of IDENTITY) {
    const values = new Set(list.map(({ labels }) => labels.get(label)));
    values.delete("");
    if (values.size === 0) continue;
    isKnown = true;
    const pattern = [...values].map(quoteRegex).join("|");
    if (pattern.length <= IDENTITY_PATTERN_MAX) filters.push({ label, op: "=~", value: pattern });
  }
  return isKnown ? filters : null;
}

/** Info series are looked up when the samples of the first selector were: its `@` and offset hold, and those of subqueries around it. */
function sightOfFirst(context: PromContext, expr: PromExpr): Sight {
  const found = firstSelector(context, expr);
  return found === null ? shiftedSight(context, null, 0) : shiftedSight(context, found.at, found.shiftMs);
}

interface Anchor {
  readonly at: PromAt | null;
  readonly shiftMs: number;
}

function firstSelector(context: PromContext, expr: PromExpr): Anchor | null {
  switch (expr.kind) {
    case "number":
    case "string":
      return null;
    case "selector":
      return { at: expr.at, shiftMs: offsetMs(context, expr.offset) };
    case "matrix":
      return firstSelector(context, expr.selector);
    case "subquery": {
      const inner = firstSelector(context, expr.expr);
      if (inner === null || inner.at !== null) return inner;
      return { at: expr.at, shiftMs: inner.shiftMs + offsetMs(context, expr.offset) };
    }
    case "parens":
    case "unary":
      return firstSelector(context, expr.expr);
    case "aggregate":
      return firstSelector(context, expr.expr);
    case "binary": {
      const links = chainOf(expr).reverse();
      let found = firstSelector(context, (links[0] as PromBinary).left);
      for (let i = 0; i < links.length && found === null; i++) {
        found = firstSelector(context, (links[i] as PromBinary).right);
      }
      return found;
    }
    case "call": {
      for (const arg of expr.args) {
        const found = firstSelector(context, arg);
        if (found !== null) return found;
      }
      return null;
    }
  }
}

/** The info series of one name and identity: at each point the one with the newest sample speaks. */
interface InfoSource {
  readonly series: PromSeries[];
  /** Index into `series`, -1 for none. */
  readonly chosen: Int32Array;
}

/** By identity; a source for each name. */
function groupInfos(context: PromContext, infos: readonly PromSeries[]): ReadonlyMap<string, InfoSource[]> {
  const byName = new Map<string, Map<string, InfoSource>>();
  const groups = new Map<string, InfoSource[]>();
  for (const info of infos) {
    const identity = identityOf(info.labels);
    const sources = byName.get(info.labels.name) ?? new Map<string, InfoSource>();
    byName.set(info.labels.name, sources);
    let source = sources.get(identity);
    if (source === undefined) {
      source = { series: [], chosen: new Int32Array(context.grid.points).fill(-1) };
      sources.set(identity, source);
      groups.set(identity, [...(groups.get(identity) ?? []), source]);
    }
    choose(source, info);
  }
  return groups;
}

function choose({ series, chosen }: InfoSource, info: PromSeries): void {
  series.push(info);
  for (let k = 0; k < chosen.length; k++) {
    if (info.present !== null && info.present[k] === 0) continue;
    const rival = series[chosen[k] as number];
    if (rival !== undefined) {
      const ms = Math.round((info.values[k] as number) * 1000);
      const rivalMs = Math.round((rival.values[k] as number) * 1000);
      if (rivalMs > ms) continue;
      if (rivalMs === ms) {
        throw new InputError(
          `found duplicate series for info metric: existing ${labelSetText(rival.labels)} @ ${rivalMs}, ` +
            `new ${labelSetText(info.labels)} @ ${ms}`,
          422,
        );
      }
    }
    chosen[k] = series.length - 1;
  }
}

function identityOf(labels: Labels): string {
  return JSON.stringify(IDENTITY.map((label) => labels.get(label)));
}

/**
 * One series for each combination of info series that speak at some point of `series`. `labelsOf` says what it is called, null to leave its
 * points out.
 */
function split(
  context: PromContext,
  series: PromSeries,
  sources: readonly InfoSource[],
  labelsOf: (chosen: readonly PromSeries[]) => Labels | null,
  target: PromSeries[],
): void {
  const { points } = context.grid;
  const parts = new Map<string, PromSeries | null>();
  let before = -1;
  let part: PromSeries | null = null;
  for (let k = 0; k < points; k++) {
    if (series.present !== null && series.present[k] === 0) continue;
    if (before < 0 || sources.some(({ chosen }) => chosen[k] !== chosen[before])) {
      const key = sources.map(({ chosen }) => chosen[k]).join();
      const known = parts.get(key);
      if (known === undefined) {
        const speaking = sources.flatMap((source) => source.series[source.chosen[k] as number] ?? []);
        const labels = labelsOf(speaking);
        part = labels === null ? null : { labels, values: series.values, present: new Uint8Array(points) };
        parts.set(key, part);
        if (part !== null) target.push(part);
      } else {
        part = known;
      }
    }
    before = k;
    if (part !== null) (part.present as Uint8Array)[k] = 1;
  }
  // Parts share the series' column until two of them exist.
  let isShared = false;
  for (const one of parts.values()) {
    if (one === null) continue;
    if (isShared) one.values = one.values.slice();
    isShared = true;
  }
}

/** Labels of the series stay as they are. No `wanted`: all labels of the info series. @throws InputError 422 */
function addLabels(labels: Labels, chosen: readonly PromSeries[], wanted: ReadonlySet<string>): Labels {
  const added = new Map<string, string>();
  for (const info of chosen) {
    for (const [label, value] of info.labels.entries()) {
      if (label === "__name__" || (wanted.size > 0 && !wanted.has(label))) continue;
      const other = added.get(label);
      if (other !== undefined && other !== value) throw new InputError(`conflicting label: ${label}`, 422);
      if (labels.get(label) === "") added.set(label, value);
    }
  }
  return added.size === 0 ? labels : Labels.from([...labels.entries(), ...added]);
}
