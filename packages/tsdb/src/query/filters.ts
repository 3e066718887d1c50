/** A selector's filters as the source gets them. */
import type { FilterGroups, LabelFilter } from "../metricsql/ast.ts";

/** Every group of the selector and every extra group must hold together; empty groups match nothing and go. */
export function sourceFilters(groups: FilterGroups, extra: FilterGroups | null): FilterGroups {
  const meant = groups.filter((group) => group.length > 0).map((group) => group.map(readGraphite));
  if (extra === null || extra.length === 0) return meant;
  return meant.flatMap((group) => extra.map((more) => [...group, ...more]));
}

/**
 * `{__graphite__="a.*.{b,c}[0-9]"}` selects names by Graphite's patterns: `*` is anything between dots, braces hold
 * alternatives, brackets a set of characters.
 */
function readGraphite(filter: LabelFilter): LabelFilter {
  if (filter.label !== "__graphite__" || (filter.op !== "=" && filter.op !== "!=")) return filter;
  let depth = 0;
  const regex = filter.value.replace(/\[[^\]]*\]|[\s\S]/g, (part) => {
    if (part.length > 1) return part;
    switch (part) {
      case "*":
        return "[^.]*";
      case "{":
        depth++;
        return "(?:";
      case "}":
        return depth > 0 && depth-- > 0 ? ")" : "\\}";
      case ",":
        return depth > 0 ? "|" : ",";
      default:
        return part.replace(/[\\^$.|?+()[\]]/, "\\$&");
    }
  });
  return { label: "__name__", op: filter.op === "=" ? "=~" : "!~", value: regex + ")".repeat(depth) };
}
