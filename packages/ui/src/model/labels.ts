/** Label sets as lists of pairs, and the names people read. */

/** `[label, value]`, `__name__` first if there is one, then as the server sent them. */
export type Labels = readonly (readonly [string, string])[];

/** From an answer's `metric`. Any JSON value is borne: what is no label is left out. */
export function readLabels(metric: unknown): Labels {
  if (typeof metric !== "object" || metric === null) return [];
  const pairs = Object.entries(metric).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return pairs.sort(([a], [b]) => Number(b === "__name__") - Number(a === "__name__"));
}

/** `name{a="b"}`; `{}` for the empty set. */
export function formatLabels(labels: Labels): string {
  const name = labels.find(([label]) => label === "__name__")?.[1] ?? "";
  const rest = labels.filter(([label]) => label !== "__name__");
  if (rest.length === 0 && name !== "") return name;
  return `${name}{${rest.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(", ")}}`;
}

/** The pairs that all sets have. A lone set has nothing in common with others. */
export function findCommonLabels(sets: readonly Labels[]): Labels {
  const [first, ...others] = sets;
  if (first === undefined || others.length === 0) return [];
  let common = first;
  for (const labels of others) {
    const own = new Map(labels);
    common = common.filter(([label, value]) => own.get(label) === value);
    if (common.length === 0) break;
  }
  return common;
}

/** Without the pairs whose label is in `known`. */
export function omitLabels(labels: Labels, known: Labels): Labels {
  const names = new Set(known.map(([label]) => label));
  return labels.filter(([label]) => !names.has(label));
}

/** As short as tells them apart: the values of the labels they do not share. "" for a lone set. */
export function shortNames(sets: readonly Labels[]): string[] {
  const common = findCommonLabels(sets);
  return sets.map((labels) => {
    if (sets.length === 1) return "";
    return omitLabels(labels, common)
      .map(([, value]) => value)
      .join(" ");
  });
}

/** Every label of `sets`, `__name__` first, then sorted. */
export function listLabelNames(sets: readonly Labels[]): string[] {
  const names = new Set(sets.flatMap((labels) => labels.map(([label]) => label)));
  const hasName = names.delete("__name__");
  return [...(hasName ? ["__name__"] : []), ...[...names].sort()];
}
