/** Labels as the text formats write them: `a="b",c="d"`. */

/**
 * The text of `labels`: sorted by name, values escaped, empty values left out as absent. Names must be well-formed and distinct; values may
 * hold anything (half of a surrogate pair has no UTF-8 and becomes U+FFFD).
 */
export function formatLabels(labels: Iterable<readonly [string, string]>): string {
  return [...labels]
    .filter(([, value]) => value !== "")
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => formatLabel(name, value))
    .join(",");
}

/** `name="value"`, the value escaped. */
export function formatLabel(name: string, value: string): string {
  return `${name}="${escapeLabelValue(value)}"`;
}

/** `labels` with one more at their end. `label` is text as {@link formatLabel} writes it. */
export function appendLabel(labels: string, label: string): string {
  return labels === "" ? label : `${labels},${label}`;
}

/** Escapes what the formats cannot hold as it is; the commonest values come back unchanged. */
export function escapeLabelValue(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replace(LONE_SURROGATE, "\ufffd").replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}

const NEEDS_ESCAPE = /[\\"\n\ud800-\udfff]/;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * `labels` with those of `extra` that it does not have, in front: a series' own labels win, and none occurs twice. The result is valid
 * text, but no longer sorted.
 */
export function addMissingLabels(labels: string, extra: ReadonlyMap<string, string>): string {
  let added = "";
  for (const [name, value] of extra) {
    if (value !== "" && !hasLabel(labels, name)) added = appendLabel(added, formatLabel(name, value));
  }
  return added === "" || labels === "" ? added + labels : `${added},${labels}`;
}

/** Whether a label of that name is in the text; its like inside another label's value is none. */
function hasLabel(labels: string, name: string): boolean {
  if (labels.startsWith(`${name}="`)) return true;
  const wanted = `,${name}="`;
  for (let at = labels.indexOf(wanted); at >= 0; at = labels.indexOf(wanted, at + 1)) {
    if (!isInsideValue(labels, at)) return true;
  }
  return false;
}

function isInsideValue(labels: string, position: number): boolean {
  let isInside = false;
  for (let i = 0; i < position; i++) {
    if (labels[i] === "\\") i++;
    else if (labels[i] === '"') isInside = !isInside;
  }
  return isInside;
}
