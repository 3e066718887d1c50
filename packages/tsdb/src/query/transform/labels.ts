/** Functions that change labels, or choose and order series by them. `__name__` is a label here like any other. */
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import { withLabel } from "../label-edit.ts";
import type { Series } from "../series.ts";

/** Compiles a user's regex in RE2's syntax. `isWhole`: it must match the whole text. @throws InputError 422 */
export function compilePattern(pattern: string, name: string, isWhole: boolean): RE2JS {
  try {
    return RE2JS.compile(isWhole ? `^(?:${pattern})$` : pattern);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new InputError(`${name}: cannot read regex ${JSON.stringify(pattern)}: ${error.message}`, 422);
  }
}

/** label_replace: where the source label matches as a whole, the target becomes the template filled with its groups. */
export function replaceLabel(labels: Labels, target: string, template: string, source: string, regex: RE2JS): Labels {
  const matcher = regex.matcher(labels.get(source));
  if (!matcher.find()) return labels;
  return withLabel(labels, target, fillTemplate(template, matcher));
}

/** label_transform: every match inside the label's value is replaced. */
export function transformLabel(labels: Labels, label: string, regex: RE2JS, template: string): Labels {
  const value = labels.get(label);
  const matcher = regex.matcher(value);
  let result = "";
  let from = 0;
  while (matcher.find()) {
    result += value.slice(from, matcher.start()) + fillTemplate(template, matcher);
    from = matcher.end();
  }
  return withLabel(labels, label, result + value.slice(from));
}

interface Match {
  group(group: number): string | null;
  groupCount(): number;
  readonly namedGroups: Record<string, number>;
}

/** `$1`, `$name`, `${1}`, `${name}`, `$$`: Go's rules, so the longest run of word characters is the name and unknown ones are "". */
export function fillTemplate(template: string, match: Match): string {
  return template.replace(/\$(?:\$|\{([0-9A-Za-z_]+)\}|([0-9A-Za-z_]+))/g, (whole, braced?: string, bare?: string) => {
    if (whole === "$$") return "$";
    const name = braced ?? (bare as string);
    if (/^\d+$/.test(name)) {
      const index = Number(name);
      return index <= match.groupCount() ? (match.group(index) ?? "") : "";
    }
    const index = Object.hasOwn(match.namedGroups, name) ? match.namedGroups[name] : undefined;
    return index === undefined ? "" : (match.group(index) ?? "");
  });
}

/** label_graphite_group: the name becomes the chosen parts of itself between dots; missing ones are empty. */
export function graphiteGroup(labels: Labels, indexes: readonly number[]): Labels {
  const parts = labels.name.split(".");
  return withLabel(labels, "__name__", indexes.map((index) => parts[index] ?? "").join("."));
}

/** drop_common_labels: label=value pairs that every series has, the name included. */
export function dropCommonLabels(list: readonly Series[]): void {
  const first = list[0];
  if (first === undefined) return;
  for (const [label, value] of first.labels.entries()) {
    if (!list.every((series) => series.labels.get(label) === value)) continue;
    for (const series of list) series.labels = withLabel(series.labels, label, "");
  }
}

/** sort_by_label and its like: by the first of the labels whose values differ; equal series keep their order. */
export function sortByLabels(list: Series[], labels: readonly string[], isNumeric: boolean, sign: 1 | -1): Series[] {
  return list.sort((a, b) => {
    for (const label of labels) {
      const x = a.labels.get(label);
      const y = b.labels.get(label);
      if (x === y) continue;
      const order = isNumeric ? compareNatural(x, y) : x < y ? -1 : 1;
      if (order !== 0) return order * sign;
    }
    return 0;
  });
}

/** Texts as people count: digit runs (with sign and point) compare as numbers and go before anything else. */
function compareNatural(a: string, b: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)/;
  const rest = /^\D*/;
  for (;;) {
    if (a === "" || b === "") return a === b ? 0 : a === "" ? -1 : 1;
    const x = number.exec(a)?.[0] ?? "";
    const y = number.exec(b)?.[0] ?? "";
    if ((x === "") !== (y === "")) return x === "" ? 1 : -1;
    if (x !== "" && Number(x) !== Number(y)) return Number(x) - Number(y);
    a = a.slice(x.length);
    b = b.slice(y.length);
    const u = rest.exec(a)?.[0] ?? "";
    const v = rest.exec(b)?.[0] ?? "";
    if (u !== v) return u < v ? -1 : 1;
    a = a.slice(u.length);
    b = b.slice(v.length);
  }
}
