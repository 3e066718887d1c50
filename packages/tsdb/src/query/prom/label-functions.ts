/** Functions that change labels or order series by them. `__name__` is a label here like any other. */
import { InputError } from "../../base/errors.ts";
import { compileSearchRegex, type SearchRegex } from "../../base/regex.ts";
import { joinTexts, withLabel } from "../label-edit.ts";
import { seriesOf, textOf, textsFrom } from "./arguments.ts";
import { compareLabelSets, mergeSameLabels } from "./label-sets.ts";
import { compareNatural } from "./natural-order.ts";
import { sortSeries } from "./sorting.ts";
import type { InstantFunction } from "./tables.ts";

export const labelFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  /**
   * label_replace(v, "target", "replacement", "source", "regex"): where the regex matches the whole value of the source
   * label, the target becomes the replacement, `$1` and `$name` filled in; other series stay as they are. An absent
   * label is empty, and an empty result deletes. An error when the target has no name, the regex cannot be read, or
   * series become equal. Keeps the name.
   */
  [
    "label_replace",
    {
      args: ["vector", "string", "string", "string", "string"],
      returns: "vector",
      evaluate: async (context, _call, args) => {
        const { run } = context.grid;
        const regex = compileWhole(textOf(args, 4));
        const target = namedLabel(textOf(args, 1), "destination", "label_replace");
        const template = textOf(args, 2);
        const source = textOf(args, 3);
        const list = seriesOf(args, 0);
        for (const series of list) {
          const before = series.labels;
          const value = regex.expandWhole(before.get(source), template);
          if (value !== null) series.labels = withLabel(before, target, value);
          run.countLabels(before, series.labels);
          if (run.isDue()) await run.breathe();
        }
        return { kind: "vector", series: await mergeSameLabels(run, list) };
      },
    },
  ],
  /**
   * label_join(v, "target", "separator", "source", …): the target label becomes the values of the sources, missing ones
   * empty, joined. An error when a label has no name or series become equal. Keeps the name.
   */
  [
    "label_join",
    {
      args: ["vector", "string", "string", "string"],
      optional: -1,
      returns: "vector",
      evaluate: async (context, _call, args) => {
        const { run } = context.grid;
        const sources = textsFrom(args, 3).map((label) => namedLabel(label, "source", "label_join"));
        const target = namedLabel(textOf(args, 1), "destination", "label_join");
        const separator = textOf(args, 2);
        const list = seriesOf(args, 0);
        for (const series of list) {
          const { labels } = series;
          series.labels = withLabel(
            labels,
            target,
            joinTexts(
              sources.map((source) => labels.get(source)),
              separator,
            ),
          );
          run.countLabels(labels, series.labels);
          if (run.isDue()) await run.breathe();
        }
        return { kind: "vector", series: await mergeSameLabels(run, list) };
      },
    },
  ],
  /**
   * sort_by_label(v, "label", …): by the first of the labels that differs, as people sort: 2 before 10. Of instant
   * queries only. Keeps the name.
   */
  ["sort_by_label", sortByLabel(1)],
  /** sort_by_label_desc(v, "label", …): the other way round. Keeps the name. */
  ["sort_by_label_desc", sortByLabel(-1)],
]);

/** A dot matches line breaks, and the whole value must match. */
function compileWhole(pattern: string): SearchRegex {
  try {
    return compileSearchRegex(`(?s:${pattern})`);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`invalid regular expression in label_replace(): ${error.message}`, 422);
  }
}

function namedLabel(label: string, role: "source" | "destination", name: string): string {
  if (label === "") throw new InputError(`invalid ${role} label name in ${name}(): `, 422);
  return label;
}

function sortByLabel(sign: 1 | -1): InstantFunction {
  return {
    args: ["vector", "string"],
    optional: -1,
    returns: "vector",
    evaluate: (context, call, args) => {
      const labels = textsFrom(args, 1);
      return sortSeries(context, call, seriesOf(args, 0), (a, b) => {
        for (const label of labels) {
          const order = compareNatural(a.labels.get(label), b.labels.get(label));
          if (order !== 0) return sign * order;
        }
        // The rest decides, so that the order never depends on where series came from.
        return sign * compareLabelSets(a.labels, b.labels);
      });
    },
  };
}
