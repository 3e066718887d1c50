/** Label text read back: the inverse of `formatLabels` (labels.ts), for text that others may have written. */

/** The labels of `a="b",c="d"`, values unescaped; null if the text is none of labels. */
export function parseLabels(text: string): [name: string, value: string][] | null {
  return (
    splitLabels(text)?.map(([name, label]) => {
      const value = label.slice(name.length + 2, -1);
      return [name, value.includes("\\") ? unescapeLabelValue(value) : value];
    }) ?? null
  );
}

/** True if `text` is label text as Sample.labels describes it, each name once. What others wrote is asked this before it is shown. */
export function isLabelText(text: string): boolean {
  const labels = splitLabels(text);
  return labels !== null && (labels.length < 2 || new Set(labels.map(([name]) => name)).size === labels.length);
}

/** Each label's name and its whole text, `a="b"`; null if the text is none of labels. */
export function splitLabels(text: string): [name: string, label: string][] | null {
  const labels: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const equals = text.indexOf("=", at);
    const name = text.slice(start, equals);
    if (equals < 0 || !LABEL_NAME.test(name) || text[equals + 1] !== '"') return null;
    at = equals + 2;
    for (; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === "\n") return null;
      if (text[at] !== "\\") continue;
      at++;
      if (text[at] !== "\\" && text[at] !== '"' && text[at] !== "n") return null;
    }
    if (at >= text.length) return null;
    at++;
    labels.push([name, text.slice(start, at)]);
    if (at === text.length) break;
    if (text[at] !== "," || at + 1 === text.length) return null;
    at++;
  }
  return labels;
}

function unescapeLabelValue(value: string): string {
  return value.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
