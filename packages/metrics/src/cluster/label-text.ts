/** What is done to label text, `a="b",c="d"`, where two processes' series meet. */
import { splitLabels } from "../exposition/label-text.ts";
import { appendLabel, formatLabel } from "../exposition/labels.ts";

/** Labels that stand last and belong to one sample of a series, not to the series. */
export type MemberLabel = "le" | "vmrange" | "quantile";

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
