/** Functions that change labels, or choose and order series by them. `__name__` is a label here like any other. */
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { SearchRegex } from "../../base/regex.ts";
import type { QueryRun } from "../context.ts";
import { joinTexts, withLabel } from "../label-edit.ts";
import { sortPaced } from "../pace.ts";
import type { Series } from "../series.ts";

/** The regex of a call. @throws InputError 422 that names the function */
export function readPattern<T>(compile: (pattern: string) => T, pattern: string, name: string): T {
  try {
    return compile(pattern);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${name}: cannot read ${error.message}`, 422);
  }
}

/** label_replace: where the source label matches as a whole, the target becomes the template filled with its groups. */
export function replaceLabel(
  labels: Labels,
  target: string,
  template: string,
  source: string,
  regex: SearchRegex,
): Labels {
  const value = regex.expandWhole(labels.get(source), template);
  return value === null ? labels : withLabel(labels, target, value);
}

/** label_graphite_group: the name becomes the chosen parts of itself between dots; missing ones are empty. */
export function graphiteGroup(labels: Labels, indexes: readonly number[]): Labels {
  const parts = labels.name.split(".");
  const name = joinTexts(
    indexes.map((index) => parts[index] ?? ""),
    ".",
  );
  return withLabel(labels, "__name__", name);
}

/** drop_common_labels: label=value pairs that every series has, the name included. */
export async function dropCommonLabels(run: QueryRun, list: readonly Series[]): Promise<void> {
  const first = list[0];
  if (first === undefined) return;
  for (const [label, value] of first.labels.entries()) {
    if (!list.every((series) => series.labels.get(label) === value)) continue;
    for (const series of list) {
      series.labels = withLabel(series.labels, label, "");
      if (run.isDue()) await run.breathe();
    }
  }
}

/** sort_by_label and its like: by the first of the labels whose values differ; equal series keep their order. */
export function sortByLabels(
  run: QueryRun,
  list: Series[],
  labels: readonly string[],
  isNumeric: boolean,
  sign: 1 | -1,
): Promise<Series[]> {
  return sortPaced(run, list, (a, b) => {
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
