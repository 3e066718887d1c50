/**
 * Reading label text again, `a="b",c="d"`: needed where two processes' series meet.
 */
import { appendLabel, formatLabel } from "../exposition/labels.ts";

/** Labels that stand last and belong to one sample of a series, not to the series. */
export type MemberLabel = "le" | "vmrange" | "quantile";

/** True if `text` is label text as Sample.labels describes it, each name once. Files of others are asked this before their text is shown. */
export function isLabelText(text: string): boolean {
  if (text === "") return true;
  const labels = splitLabels(text);
  return labels !== null && new Set(labels.map(([name]) => name)).size === labels.length;
}

/**
 * The series' labels and the value of `member`, the last label of `labels`; null if that is another one. `value` is as it stands in
 * the text, which for these labels is as it is.
 */
export function splitMemberLabel(labels: string, member: MemberLabel): { series: string; value: string } | null {
  // Inside a value every quote has a backslash before it: `,le="` cannot stand there.
  const opening = `${member}="`;
  const start = labels.lastIndexOf(opening);
  if (start < 0 || (start > 0 && labels[start - 1] !== ",") || !labels.endsWith('"')) return null;
  return { series: labels.slice(0, Math.max(0, start - 1)), value: labels.slice(start + opening.length, -1) };
}

/**
 * `labels` of a series with the label `worker` in its place. A label of that name which is there already becomes `exported_worker`, as
 * scrapers do with labels that would hide theirs.
 */
export function addWorkerLabel(labels: string, worker: string): string {
  const own = formatLabel("worker", worker);
  if (labels === "") return own;
  const list = splitLabels(labels) ?? [];
  if (list.every(([name]) => name < "worker")) return appendLabel(labels, own);
  const names = new Set(list.map(([name]) => name));
  let exported = "exported_worker";
  while (names.has(exported)) exported = `exported_${exported}`;
  const texts = list.map(([name, text]): [string, string] =>
    name === "worker" ? [exported, `${exported}${text.slice(name.length)}`] : [name, text],
  );
  texts.push(["worker", own]);
  texts.sort(([a], [b]) => (a < b ? -1 : 1));
  return texts.map(([, text]) => text).join(",");
}

/** Each label's name and its whole text; null if the text is none of labels. */
function splitLabels(text: string): [string, string][] | null {
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

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
