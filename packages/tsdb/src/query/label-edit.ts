/**
 * New label sets from old ones, and texts that identify them. `Labels` are immutable, so each function returns its
 * argument when nothing changes: most series of most queries then share one object with the source.
 */
import { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";

/** UTF-16 units of a value that a query puts together: four times what VictoriaMetrics lets senders write. */
export const LABEL_LENGTH_MAX: number = 16 * 1024;

/** `texts.join(separator)`, refused before it is made if it is too long. @throws InputError 422 */
export function joinTexts(texts: readonly string[], separator: string): string {
  let length = Math.max(0, texts.length - 1) * separator.length;
  for (const text of texts) length += text.length;
  wantShortValue(length);
  return texts.join(separator);
}

/** @throws InputError 422 */
export function wantShortValue(length: number): void {
  if (length > LABEL_LENGTH_MAX) {
    throw new InputError(`labels: want at most ${LABEL_LENGTH_MAX} characters in a value, got ${length}`, 422);
  }
}

export function withoutName(labels: Labels): Labels {
  return labels.name === "" ? labels : new Labels("", labels.pairs);
}

/** Sets a label, `__name__` included; an empty value deletes it. */
export function withLabel(labels: Labels, label: string, value: string): Labels {
  if (label === "__name__") return labels.name === value ? labels : new Labels(value, labels.pairs);
  const { pairs } = labels;
  let i = 0;
  while (i < pairs.length && (pairs[i] as string) < label) i += 2;
  const exists = pairs[i] === label;
  if (exists ? pairs[i + 1] === value : value === "") return labels;
  const edited = pairs.slice(0, i);
  if (value !== "") edited.push(label, value);
  for (let k = exists ? i + 2 : i; k < pairs.length; k++) edited.push(pairs[k] as string);
  return new Labels(labels.name, edited);
}

/** Only the listed labels; the name too only if `__name__` is listed. */
export function keepLabels(labels: Labels, listed: ReadonlySet<string>): Labels {
  const kept: string[] = [];
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) {
    if (listed.has(pairs[i] as string)) kept.push(pairs[i] as string, pairs[i + 1] as string);
  }
  const name = listed.has("__name__") ? labels.name : "";
  if (name === labels.name && kept.length === pairs.length) return labels;
  return name === "" && kept.length === 0 ? Labels.empty : new Labels(name, kept);
}

/** All but the listed labels; the name stays unless `__name__` is listed. */
export function dropLabels(labels: Labels, listed: ReadonlySet<string>): Labels {
  const kept: string[] = [];
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) {
    if (!listed.has(pairs[i] as string)) kept.push(pairs[i] as string, pairs[i + 1] as string);
  }
  const name = listed.has("__name__") ? "" : labels.name;
  return name === labels.name && kept.length === pairs.length ? labels : new Labels(name, kept);
}

/**
 * A text that two label sets share only if they are equal. Lengths go before strings because label values are anyone's
 * bytes: with a mere separator a sender could make two series collide.
 */
export function labelsKey(labels: Labels): string {
  let key = `${labels.name.length}:${labels.name}`;
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i++) key += `${(pairs[i] as string).length}:${pairs[i]}`;
  return key;
}
