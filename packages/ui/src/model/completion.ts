/** Which metric names fit the word the cursor stands in. */

export interface Completion {
  /** The word's place in the text, `[lo, hi)`. */
  readonly lo: number;
  readonly hi: number;
  readonly names: readonly string[];
}

const CHOICES_MAX = 10;
const WORD_END = /[a-zA-Z0-9_:.]+$/;
const WORD_REST = /^[a-zA-Z0-9_:.]*/;

/** Null when there is nothing to offer: no word, a word in quotes or braces, or only the word itself. */
export function completeName(text: string, cursor: number, names: readonly string[]): Completion | null {
  const before = text.slice(0, cursor);
  const word = WORD_END.exec(before)?.[0];
  if (word === undefined || word.length < 2 || isInsideLabels(before)) return null;
  const lo = cursor - word.length;
  const hi = cursor + (WORD_REST.exec(text.slice(cursor))?.[0].length ?? 0);
  const wanted = word.toLowerCase();
  const starting: string[] = [];
  const containing: string[] = [];
  for (const name of names) {
    const at = name.toLowerCase().indexOf(wanted);
    if (at === 0) starting.push(name);
    else if (at > 0) containing.push(name);
    if (starting.length >= CHOICES_MAX) break;
  }
  const found = [...starting, ...containing].slice(0, CHOICES_MAX);
  if (found.length === 0 || (found.length === 1 && found[0] === text.slice(lo, hi))) return null;
  return { lo, hi, names: found };
}

/** Inside `{…}`, `[…]` or quotes a metric name has no place (a quoted name is rare enough). */
function isInsideLabels(before: string): boolean {
  let quote = "";
  let depth = 0;
  for (let i = 0; i < before.length; i++) {
    const char = before[i] as string;
    if (quote !== "") {
      if (char === "\\" && quote !== "`") i++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "'" || char === "`") quote = char;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
  }
  return quote !== "" || depth > 0;
}
