/**
 * Tree as written → finished tree: templates are expanded, single parentheses dropped, constants folded.
 *
 * A template's body is expanded anew at every use, in the scope of its definition; its arguments, in the scope of
 * the call. So names mean what they mean where they are written, and a definition sees neither itself nor later ones.
 * Every node made is counted: a doubling chain of templates ends at the limit, not at the end of memory.
 */

import { truncateMs } from "../base/duration.ts";
import { InputError } from "../base/errors.ts";
import { compileRegex } from "../base/regex.ts";
import type { BinaryExpr, DurationExpr, Expr, LabelFilter, RollupExpr, SelectorExpr } from "./ast.ts";
import { MAX_DEPTH, MAX_EXPANDED_NODES, MAX_REGEX_SIZE, MAX_STRING_LENGTH } from "./limits.ts";
import { parseRaw } from "./parser.ts";
import {
  type RawBinary,
  type RawCall,
  type RawDuration,
  type RawExpr,
  type RawFilter,
  type RawLabel,
  type RawRollup,
  type RawSelector,
  type RawStringPart,
  type RawTemplate,
  rawChainOf,
} from "./raw.ts";
import { constantOf, simplifyBinary } from "./simplify.ts";
import { shown, syntaxError } from "./syntax-error.ts";

/**
 * Expands what `parseRaw(query)` answered.
 * @throws InputError for unknown templates, wrong uses of them, invalid regexes, and trees beyond the limits.
 */
export function expandTemplates(query: string, raw: RawExpr): Expr {
  return new Expander(query).expand(raw, predefinedScope(), 0);
}

/** A name that is in force; the list goes from the innermost outwards. */
interface Scope {
  readonly name: string;
  /** null: used without parentheses. */
  readonly params: readonly string[] | null;
  readonly body: RawExpr;
  /** Scope in which the body is to be read. */
  readonly bodyScope: Scope | null;
  /** Predefined templates have no place in the query: errors inside them are shown at their call. */
  readonly isPredefined: boolean;
  readonly outer: Scope | null;
}

const PREDEFINED = `
  WITH (
    ru(freev, maxv) = clamp_min(maxv - clamp_min(freev, 0), 0) / clamp_min(maxv, 0) * 100,
    ttf(freev) = smooth_exponential(
      clamp_max(clamp_max(-freev, 0) / clamp_max(deriv_fast(freev), 0), 365*24*3600),
      clamp_max(step()/300, 1)
    ),
    range_median(q) = range_quantile(0.5, q),
    alias(q, name) = label_set(q, "__name__", name),
  ) 0`;

let predefined: Scope | null = null;

function predefinedScope(): Scope | null {
  if (predefined === null) {
    const raw = parseRaw(PREDEFINED);
    if (raw.kind === "rawWith") predefined = defineAll(raw.templates, null, true);
  }
  return predefined;
}

function defineAll(templates: readonly RawTemplate[], outer: Scope | null, isPredefined: boolean): Scope | null {
  let scope = outer;
  for (const { name, params, body } of templates) {
    scope = { name, params, body, bodyScope: scope, isPredefined, outer: scope };
  }
  return scope;
}

function lookUp(scope: Scope | null, name: string): Scope | null {
  for (let at = scope; at !== null; at = at.outer) if (at.name === name) return at;
  return null;
}

class Expander {
  private readonly query: string;
  private nodeCount = 0;
  private regexSize = 0;
  private readonly regexes = new Set<string>();
  /** Where the call of a predefined template stands while its body is expanded, else -1. */
  private callPos = -1;

  constructor(query: string) {
    this.query = query;
  }

  expand(raw: RawExpr, scope: Scope | null, depth: number): Expr {
    this.count(raw.pos, 1);
    if (depth >= MAX_DEPTH) throw this.error(raw.pos, `want at most ${MAX_DEPTH} levels of nesting`);
    switch (raw.kind) {
      case "number":
      case "duration":
      case "string":
        return this.callPos < 0 ? raw : { ...raw, pos: this.callPos };
      case "rawSelector":
        return this.expandSelector(raw, scope, depth);
      case "rawRollup":
        return this.expandRollup(raw, scope, depth);
      case "rawCall":
        return this.expandCall(raw, scope, depth);
      case "rawBinary":
        return this.expandBinary(raw, scope, depth);
      case "rawParens": {
        if (raw.items.length === 1) {
          const inner = this.expand(raw.items[0] as RawExpr, scope, depth + 1);
          return raw.keepMetricNames ? this.keepNames(inner, raw.pos) : inner;
        }
        const args = this.expandAll(raw.items, scope, depth);
        return { kind: "function", pos: this.place(raw.pos), name: "union", args, keepMetricNames: false };
      }
      case "rawWith":
        return this.expand(raw.body, defineAll(raw.templates, scope, false), depth + 1);
    }
  }

  private expandAll(raws: readonly RawExpr[], scope: Scope | null, depth: number): Expr[] {
    const exprs: Expr[] = [];
    for (const raw of raws) exprs.push(this.expand(raw, scope, depth + 1));
    return exprs;
  }

  // ── operators ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A chain in a loop, from its first operator to the last. */
  private expandBinary(raw: RawBinary, scope: Scope | null, depth: number): Expr {
    const links = rawChainOf(raw).reverse();
    let expr = this.expand((links[0] as RawBinary).left, scope, depth + 1);
    let keepCount = 0;
    for (const link of links) {
      this.count(link.pos, 1);
      // Each is printed in parentheses of its own.
      if (link.operator.keepMetricNames) keepCount++;
      if (depth + keepCount >= MAX_DEPTH) throw this.error(link.pos, `want at most ${MAX_DEPTH} levels of nesting`);
      expr = this.expandLink(link, expr, scope, depth);
    }
    return expr;
  }

  private expandLink(raw: RawBinary, left: Expr, scope: Scope | null, depth: number): Expr {
    const { operator } = raw;
    const right = this.expand(raw.right, scope, depth + 1);
    const { matching, join } = operator;
    const expr: BinaryExpr = {
      kind: "binary",
      pos: this.place(raw.pos),
      op: operator.op,
      isBool: operator.isBool,
      left,
      right,
      matching: matching === null ? null : { op: matching.op, labels: this.expandLabels(matching.labels, scope) },
      join: join === null ? null : { ...join, labels: this.expandLabels(join.labels, scope) },
      fillLeft: operator.fillLeft,
      fillRight: operator.fillRight,
      keepMetricNames: operator.keepMetricNames,
    };
    if (left.kind === "string" && right.kind === "string")
      this.checkString(raw.pos, left.value.length + right.value.length);
    return simplifyBinary(expr);
  }

  /** A constant has no name to keep. */
  private keepNames(expr: Expr, pos: number): Expr {
    if (expr.kind === "binary" || expr.kind === "function") return { ...expr, keepMetricNames: true };
    if (expr.kind === "number" || expr.kind === "string") return expr;
    throw this.error(pos, "keep_metric_names: want a function or a binary expression before it");
  }

  // ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  private expandCall(raw: RawCall, scope: Scope | null, depth: number): Expr {
    const template = lookUp(scope, raw.name);
    if (template !== null) return this.expandTemplateCall(raw, template, scope, depth);
    const args = this.expandAll(raw.args, scope, depth);
    const pos = this.place(raw.pos);
    const name = raw.name.toLowerCase();
    if (!raw.isAggregate) return { kind: "function", pos, name, args, keepMetricNames: raw.keepMetricNames };
    const { modifier, limit } = raw;
    return {
      kind: "aggregate",
      pos,
      name,
      args,
      modifier: modifier === null ? null : { op: modifier.op, labels: this.expandLabels(modifier.labels, scope) },
      limit,
    };
  }

  private expandTemplateCall(raw: RawCall, template: Scope, scope: Scope | null, depth: number): Expr {
    const params = template.params ?? [];
    if (raw.args.length !== params.length) {
      throw this.error(raw.pos, `template ${shown(raw.name)}: want ${params.length} arguments, got ${raw.args.length}`);
    }
    if (raw.modifier !== null || raw.limit !== 0) {
      throw this.error(raw.pos, `template ${shown(raw.name)}: "by", "without" and "limit" belong to aggregates`);
    }
    let bodyScope = template.bodyScope;
    params.forEach((name, i) => {
      const body = raw.args[i] as RawExpr;
      bodyScope = { name, params: null, body, bodyScope: scope, isPredefined: false, outer: bodyScope };
    });
    const expr = this.expandBody(template, bodyScope, raw.pos, depth);
    return raw.keepMetricNames ? this.keepNames(expr, raw.pos) : expr;
  }

  private expandBody(template: Scope, bodyScope: Scope | null, pos: number, depth: number): Expr {
    const outerPos = this.callPos;
    this.callPos = template.isPredefined ? this.place(pos) : -1;
    const expr = this.expand(template.body, bodyScope, depth + 1);
    this.callPos = outerPos;
    return expr;
  }

  // ── selectors ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private expandSelector(raw: RawSelector, scope: Scope | null, depth: number): Expr {
    const template = raw.name === "" ? null : lookUp(scope, raw.name);
    // A template with arguments is meant only where it is called: without them the name is a metric's.
    if (template === null || template.params !== null) {
      return this.selector(raw.pos, this.expandGroups(raw, raw.name, scope, depth));
    }
    const base = this.expandBody(template, template.bodyScope, raw.pos, depth);
    if (!raw.hasBraces) return base;
    const inner = base.kind === "rollup" ? base.expr : base;
    if (inner.kind !== "selector") {
      throw this.error(raw.pos, `template ${shown(raw.name)}: want a selector in front of "{", got ${describe(base)}`);
    }
    const added = this.expandGroups(raw, "", scope, depth);
    const merged = this.selector(raw.pos, this.mergeGroups(inner.groups, added, raw.pos));
    return base.kind === "rollup" ? { ...base, expr: merged } : merged;
  }

  private selector(pos: number, groups: readonly (readonly LabelFilter[])[]): SelectorExpr {
    return { kind: "selector", pos: this.place(pos), groups };
  }

  private expandGroups(raw: RawSelector, name: string, scope: Scope | null, depth: number): LabelFilter[][] {
    const named: LabelFilter[] = name === "" ? [] : [{ label: "__name__", op: "=", value: name }];
    let groups: LabelFilter[][];
    if (raw.groups.length === 1) {
      groups = this.expandGroup(raw.groups[0] as readonly RawFilter[], named, scope, depth);
    } else {
      groups = raw.groups.length === 0 && named.length > 0 ? [named] : [];
      for (const rawGroup of raw.groups) {
        const expanded = this.expandGroup(rawGroup, named, scope, depth);
        if (expanded.length !== 1) {
          const { pos } = rawGroup[0] as RawFilter;
          throw this.error(pos, `filters: want "or" either in a template or around it, got both or an empty group`);
        }
        groups.push(...expanded);
      }
    }
    return shareName(groups.map((group) => this.withoutDuplicates(group, raw.pos)));
  }

  /** One group as written: several if a template in it brings `or`, none if it is empty. */
  private expandGroup(
    raws: readonly RawFilter[],
    named: LabelFilter[],
    scope: Scope | null,
    depth: number,
  ): LabelFilter[][] {
    let groups: LabelFilter[][] = named.length === 0 ? [] : [named];
    const add = (added: readonly (readonly LabelFilter[])[], pos: number) => {
      groups = this.mergeGroups(groups, added, pos);
    };
    let own: LabelFilter[] = [];
    for (const raw of raws) {
      if (raw.kind === "filter") {
        own.push(this.expandFilter(raw, scope, depth));
      } else {
        if (own.length > 0) add([own], raw.pos);
        own = [];
        add(this.expandFilterTemplate(raw.name, raw.pos, scope, depth), raw.pos);
      }
    }
    if (own.length > 0) add([own], raws[0]?.pos ?? 0);
    return groups;
  }

  private expandFilter(raw: RawFilter & { kind: "filter" }, scope: Scope | null, depth: number): LabelFilter {
    this.count(raw.pos, 1);
    const { label, op } = raw;
    const value = this.expandString(raw.value, scope, depth);
    if (op === "=~" || op === "!~") this.checkRegex(value, label, raw.value[0]?.pos ?? raw.pos);
    return { label, op, value };
  }

  private checkRegex(pattern: string, label: string, pos: number): void {
    if (this.regexes.has(pattern)) return;
    this.regexes.add(pattern);
    try {
      this.regexSize += compileRegex(pattern).size;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw this.error(pos, `filter ${shown(label)}: ${error.message}`);
    }
    if (this.regexSize > MAX_REGEX_SIZE) {
      throw this.error(
        pos,
        `regexes: want at most ${MAX_REGEX_SIZE} instructions in a query, got about ${this.regexSize}`,
      );
    }
  }

  private expandFilterTemplate(name: string, pos: number, scope: Scope | null, depth: number): SelectorExpr["groups"] {
    const template = lookUp(scope, name);
    if (template === null || template.params !== null) {
      throw this.error(
        pos,
        `filters: want a label with a value or the name of a template, got ${shown(name)}, which is no template`,
      );
    }
    const expr = this.expandBody(template, template.bodyScope, pos, depth);
    if (expr.kind !== "selector" || expr.groups.some((group) => group.some(isNameFilter))) {
      throw this.error(pos, `filters: want a template made of filters, got ${describe(expr)} in ${shown(name)}`);
    }
    return expr.groups;
  }

  private expandString(parts: readonly RawStringPart[], scope: Scope | null, depth: number): string {
    let value = "";
    for (const part of parts) {
      if (part.isName) {
        const template = lookUp(scope, part.text);
        if (template === null || template.params !== null) {
          throw this.error(
            part.pos,
            `want a string in quotes or the name of a template, got ${shown(part.text)}, which is no template`,
          );
        }
        const expr = this.expandBody(template, template.bodyScope, part.pos, depth);
        if (expr.kind !== "string") {
          throw this.error(part.pos, `want a string, got ${describe(expr)} in template ${shown(part.text)}`);
        }
        value += expr.value;
      } else {
        value += part.text;
      }
      this.checkString(part.pos, value.length);
    }
    return value;
  }

  /** Both sets of filters at once. */
  private mergeGroups(a: SelectorExpr["groups"], b: SelectorExpr["groups"], pos: number): LabelFilter[][] {
    if (a.length > 1 && b.length > 1) throw this.error(pos, `filters: want "or" on one side only, got it in both`);
    const merged: LabelFilter[][] = [];
    for (const first of a.length === 0 ? [[]] : a) {
      for (const second of b.length === 0 ? [[]] : b) {
        const group = [...first, ...second];
        this.count(pos, group.length);
        if (group.length > 0) merged.push(this.withoutDuplicates(group, pos));
      }
    }
    return merged;
  }

  /** Drops repeated filters; two names in one group can never match and are refused. */
  private withoutDuplicates(group: readonly LabelFilter[], pos: number): LabelFilter[] {
    const seen = new Set<string>();
    const distinct: LabelFilter[] = [];
    let name: string | null = null;
    for (const filter of group) {
      const key = `${filter.op}${filter.label.length}:${filter.label}${filter.value}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (isNameFilter(filter)) {
        if (name !== null)
          throw this.error(pos, `selector: want one metric name, got ${shown(name)} and ${shown(filter.value)}`);
        name = filter.value;
      }
      distinct.push(filter);
    }
    return distinct;
  }

  // ── windows, offsets, times ────────────────────────────────────────────────────────────────────────────────────────

  private expandRollup(raw: RawRollup, scope: Scope | null, depth: number): Expr {
    const rollup: RollupExpr = {
      kind: "rollup",
      pos: this.place(raw.pos),
      expr: this.expand(raw.expr, scope, depth + 1),
      window: this.expandDuration(raw.window, "window", scope, depth),
      step: this.expandDuration(raw.step, "step", scope, depth),
      inheritsStep: raw.inheritsStep,
      offset: this.expandDuration(raw.offset, "offset", scope, depth),
      at: raw.at === null ? null : this.expand(raw.at, scope, depth + 1),
    };
    for (const [what, duration] of [
      ["window", rollup.window],
      ["step", rollup.step],
    ] as const) {
      if (duration === null) continue;
      const { ms, steps } = duration;
      // A mixture such as `1i-5m` shows its sign only when the step is known; a window of 0 is the default one.
      const isWrong = ms <= 0 && steps <= 0 && (ms < 0 || steps < 0 || what === "step");
      if (isWrong) {
        throw this.error(duration.pos, `${what}: want a positive duration`);
      }
    }
    return rollup;
  }

  private expandDuration(
    raw: RawDuration | null,
    what: string,
    scope: Scope | null,
    depth: number,
  ): DurationExpr | null {
    if (raw === null || raw.kind === "duration")
      return raw === null || this.callPos < 0 ? raw : { ...raw, pos: this.callPos };
    const template = lookUp(scope, raw.name);
    if (template === null || template.params !== null) {
      throw this.error(
        raw.pos,
        `${what}: want a duration or the name of a template, got ${shown(raw.name)}, which is no template`,
      );
    }
    const expr = this.expandBody(template, template.bodyScope, raw.pos, depth);
    const sign = raw.isNegative ? -1 : 1;
    if (expr.kind === "duration") {
      return { kind: "duration", pos: raw.pos, ms: 0 + sign * expr.ms, steps: 0 + sign * expr.steps };
    }
    const seconds = constantOf(expr);
    const ms = seconds === null ? Number.NaN : truncateMs(sign * seconds * 1000);
    if (!(Math.abs(ms) <= Number.MAX_SAFE_INTEGER)) {
      throw this.error(raw.pos, `${what}: want a duration, got ${describe(expr)} in template ${shown(raw.name)}`);
    }
    return { kind: "duration", pos: raw.pos, ms, steps: 0 };
  }

  // ── lists of labels ────────────────────────────────────────────────────────────────────────────────────────────────

  private expandLabels(raws: readonly RawLabel[], scope: Scope | null): string[] {
    const labels: string[] = [];
    for (const raw of raws) {
      const template = raw.isQuoted ? null : lookUp(scope, raw.name);
      if (template === null || template.params !== null) {
        this.count(raw.pos, 1);
        labels.push(raw.name);
      } else {
        this.expandLabelTemplate(template, raw, labels, 0);
      }
    }
    return labels;
  }

  /** A template in a list of labels is itself a name or a list of names, `(a, b)`. */
  private expandLabelTemplate(template: Scope, use: RawLabel, labels: string[], depth: number): void {
    const { body, bodyScope } = template;
    const names = body.kind === "rawParens" ? body.items : [body];
    for (const name of names) {
      this.count(use.pos, 1);
      if (name.kind !== "rawSelector" || name.hasBraces || depth > MAX_DEPTH) {
        throw this.error(
          use.pos,
          `labels: want a label name, got the template ${shown(use.name)}, which is neither a name nor a list of names`,
        );
      }
      const inner = lookUp(bodyScope, name.name);
      if (inner === null || inner.params !== null) labels.push(name.name);
      else this.expandLabelTemplate(inner, use, labels, depth + 1);
    }
  }

  // ── limits and errors ──────────────────────────────────────────────────────────────────────────────────────────────

  private count(pos: number, nodes: number): void {
    this.nodeCount += nodes;
    if (this.nodeCount > MAX_EXPANDED_NODES) {
      throw this.error(pos, `templates expand to too much: want at most ${MAX_EXPANDED_NODES} expressions`);
    }
  }

  private checkString(pos: number, length: number): void {
    if (length > MAX_STRING_LENGTH) throw this.error(pos, `string: want at most ${MAX_STRING_LENGTH} characters`);
  }

  private place(pos: number): number {
    return this.callPos < 0 ? pos : this.callPos;
  }

  private error(pos: number, message: string): InputError {
    return syntaxError(this.query, this.place(pos), message);
  }
}

/** If the groups give exactly one metric name, it is also the name in groups that say nothing about names. */
function shareName(groups: LabelFilter[][]): LabelFilter[][] {
  if (groups.length < 2) return groups;
  let shared: LabelFilter | null = null;
  for (const group of groups) {
    for (const filter of group) {
      if (!isNameFilter(filter)) continue;
      if (shared !== null && shared.value !== filter.value) return groups;
      shared = filter;
    }
  }
  if (shared === null) return groups;
  const name = shared;
  return groups.map((group) => (group.some(({ label }) => label === "__name__") ? group : [name, ...group]));
}

function isNameFilter(filter: LabelFilter): boolean {
  return filter.label === "__name__" && filter.op === "=";
}

function describe(expr: Expr): string {
  switch (expr.kind) {
    case "number":
    case "duration":
    case "string":
    case "selector":
      return `a ${expr.kind}`;
    case "rollup":
      return "an expression with window, offset or @";
    case "function":
    case "aggregate":
      return `${shown(expr.name)}(…)`;
    case "binary":
      return "a binary expression";
  }
}
