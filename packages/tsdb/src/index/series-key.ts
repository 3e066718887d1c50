/**
 * A series' identity as bytes: labels sorted by name, each as `varint length, bytes` twice. `__name__` is written with an
 * empty label name, so it comes first, the key is shorter, and keys sort by metric name before all else.
 *
 * Identity is bytes, not text: two values that are different byte strings are different series, valid UTF-8 or not.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { decodeLabelBytes, encodeLabelText } from "../base/label-bytes.ts";
import { Labels, type RawLabel } from "../base/labels.ts";

const METRIC_NAME: Uint8Array = encodeLabelText("__name__");
const EMPTY: Uint8Array = new Uint8Array(0);
const writer: ByteWriter = new ByteWriter(1024);

/** Why labels name no series. The texts are the `reason` of vm_rows_ignored_total. */
export type InvalidLabels = "no_labels" | "duplicate_label_name" | "empty_label_name";

/**
 * The key of labels as they came: sorted here, empty values dropped (they equal absent ones).
 * Returns a fresh array, or the reason why there is none.
 */
export function encodeSeriesKey(labels: readonly RawLabel[]): Uint8Array | InvalidLabels {
  const kept: RawLabel[] = [];
  for (const label of labels) {
    if (label.name.length === 0) return "empty_label_name";
    if (label.value.length === 0) continue;
    kept.push(isMetricName(label.name) ? { name: EMPTY, value: label.value } : label);
  }
  if (kept.length === 0) return "no_labels";
  kept.sort((a, b) => Buffer.compare(a.name, b.name));
  writer.clear();
  for (let i = 0; i < kept.length; i++) {
    const { name, value } = kept[i] as RawLabel;
    if (i > 0 && Buffer.compare((kept[i - 1] as RawLabel).name, name) === 0) return "duplicate_label_name";
    writer.varint(name.length);
    writer.raw(name);
    writer.varint(value.length);
    writer.raw(value);
  }
  return writer.bytes().slice();
}

/** The labels a key stands for, as text. `intern` may return an equal string that exists already. */
export function decodeSeriesKey(key: Uint8Array, intern: (text: string) => string = (text) => text): Labels {
  const reader = new ByteReader(key);
  let metricName = "";
  const pairs: string[] = [];
  while (reader.offset < reader.end) {
    const name = readText(reader);
    const value = intern(readText(reader));
    if (name === "") metricName = value;
    else pairs.push(intern(name), value);
  }
  return new Labels(metricName, pairs);
}

/**
 * Labels as they came, in their order, for messages: `{a="1",a="2"}`, one line of at most `charsMax` characters and a mark that more
 * would follow.
 */
export function printRawLabels(labels: readonly RawLabel[], charsMax: number): string {
  let text = "{";
  for (const [i, { name, value }] of labels.entries()) {
    const room = charsMax - text.length;
    if (room <= 0) break;
    // A byte of a label is at most one character of it.
    const nameText = decodeLabelBytes(name, 0, Math.min(name.length, room));
    const valueText = decodeLabelBytes(value, 0, Math.min(value.length, room));
    text += `${i > 0 ? "," : ""}${/^[\w.:-]+$/.test(nameText) ? nameText : JSON.stringify(nameText)}=${JSON.stringify(valueText)}`;
  }
  text = `${text}}`.replace(/[\p{Cc}\u2028\u2029]/gu, "�");
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

/** The key of labels given as text: what the same labels would have got from the wire. */
export function seriesKeyOf(labels: Labels): Uint8Array {
  const raw: RawLabel[] = [];
  for (const [name, value] of labels.entries())
    raw.push({ name: encodeLabelText(name), value: encodeLabelText(value) });
  const key = encodeSeriesKey(raw);
  return typeof key === "string" ? EMPTY : key;
}

function readText(reader: ByteReader): string {
  const length = reader.varint();
  const at = reader.offset;
  reader.raw(length);
  return decodeLabelBytes(reader.bytes, at, at + length);
}

function isMetricName(name: Uint8Array): boolean {
  return name.length === METRIC_NAME.length && Buffer.compare(name, METRIC_NAME) === 0;
}
