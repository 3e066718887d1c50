/** Label sets, label names and strings as Prometheus writes them in messages. */
import { encodeLabelText } from "../../base/label-bytes.ts";
import type { Labels } from "../../base/labels.ts";

/** `{__name__="up", job="a"}`, in order of names. */
export function labelSetText(labels: Labels): string {
  const entries = [...labels.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([name, value]) => `${isPlainName(name) ? name : quote(name)}=${quote(value)}`).join(", ")}}`;
}

/** UTF-8 names are allowed: anything but nothing, and bytes that are no text (see base/label-bytes.ts). */
export function isLabelName(text: string): boolean {
  for (const character of text) {
    if (isHalfPair(character.codePointAt(0) as number)) return false;
  }
  return text !== "";
}

/** A double-quoted string in Go's manner: bytes that are no text, and what does not show, are escaped. */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (SHORT_ESCAPES.has(character)) quoted += SHORT_ESCAPES.get(character);
    else if (point < 0x20 || point === 0x7f) quoted += `\\x${hex(point, 2)}`;
    else if (isHalfPair(point)) {
      for (const byte of encodeLabelText(character)) quoted += `\\x${hex(byte, 2)}`;
    } else if (HIDDEN.test(character)) quoted += point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`;
    else quoted += character;
  }
  return `${quoted}"`;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/** Tested a character at a time. Of the spaces only U+0020 is shown as it is. */
const HIDDEN = /^(?! )[\p{C}\p{Z}]$/u;

function isHalfPair(point: number): boolean {
  return point >= 0xd800 && point <= 0xdfff;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function isPlainName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    const isLetter = (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a) || unit === 0x5f;
    if (!isLetter && (i === 0 || unit < 0x30 || unit > 0x39)) return false;
  }
  return name !== "";
}
