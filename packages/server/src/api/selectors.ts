/** Series selectors in arguments: match[], extra_label, extra_filters[]. */
import { InputError } from "@nyanza/tsdb";
import { type FilterGroups, type LabelFilter, parse } from "@nyanza/tsdb/metricsql";
import { quote, type RequestArguments } from "../http/arguments.ts";

/** More groups than this come from nobody's dashboard: combining filters multiplies them. */
const GROUPS_MAX = 10_000;

/** Filters of all match[] arguments with the enforced ones in each. @throws InputError if required and absent */
export function getMatchGroups(args: RequestArguments, isRequired: boolean): FilterGroups {
  const matches = [...args.getAll("match[]"), ...args.getAll("match")];
  if (isRequired && matches.length === 0) throw new InputError("missing `match[]` arg");
  return combineGroups(
    matches.flatMap((text) => parseSelector("match[]", text)),
    getExtraFilters(args),
  );
}

/**
 * `extra_label=name=value` (all must hold) with each of `extra_filters[]=selector` (one must hold): what a proxy adds
 * to narrow a user down. Empty when there are none.
 */
export function getExtraFilters(args: RequestArguments): FilterGroups {
  const labels = args.getEnforced("extra_label").map((text): LabelFilter => {
    const equals = text.indexOf("=");
    if (equals < 0) throw new InputError(`argument extra_label: want name=value, got ${quote(text)}`);
    return { label: text.slice(0, equals), op: "=", value: text.slice(equals + 1) };
  });
  const selectors = [...args.getEnforced("extra_filters"), ...args.getEnforced("extra_filters[]")];
  if (selectors.length === 0) return labels.length === 0 ? [] : [labels];
  return selectors.flatMap((text) => parseSelector("extra_filters[]", text)).map((group) => [...group, ...labels]);
}

/** Every pair of a group of `a` and one of `b`, joined; the other if one is empty. */
export function combineGroups(a: FilterGroups, b: FilterGroups): FilterGroups {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  if (a.length * b.length > GROUPS_MAX) {
    throw new InputError(`too many filters: ${a.length} × ${b.length} combinations, at most ${GROUPS_MAX}`);
  }
  return a.flatMap((left) => b.map((right) => [...left, ...right]));
}

function parseSelector(argument: string, text: string): FilterGroups {
  let expression: ReturnType<typeof parse>;
  try {
    expression = parse(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`argument ${argument}=${quote(text)}: ${error.message}`, 400, error.line, error.column);
  }
  if (expression.kind !== "selector") {
    throw new InputError(`argument ${argument}: want a series selector such as {job="node"}, got ${quote(text)}`);
  }
  if (!expression.groups.some((group) => group.length > 0)) {
    throw new InputError(`argument ${argument}: want at least one filter, got ${quote(text)}`);
  }
  return expression.groups;
}
