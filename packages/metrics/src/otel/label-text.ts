/** Label text read back: the inverse of `formatLabels` (exposition/labels.ts). */

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

/**
 * `a="b",c="d"` as pairs, values unescaped. Text must be as this package writes it; what follows a mistake is left out.
 */
export function parseLabels(text: string): [string, string][] {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    const value = match[2] as string;
    labels.push([match[1] as string, value.includes("\\") ? unescapeLabelValue(value) : value]);
  }
  return labels;
}

function unescapeLabelValue(value: string): string {
  return value.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}
