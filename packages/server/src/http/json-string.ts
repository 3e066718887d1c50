/** Strings as VictoriaMetrics writes them in JSON: also `<` and `'` escaped, so that no browser takes an answer for a page. */

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** Quoted. Lone surrogates stay; they become U+FFFD when the text becomes UTF-8 bytes. */
export function jsonString(text: string): string {
  const escaped = text.replace(/["\\<'\u0000-\u001f]/g, (character) => {
    return ESCAPES.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}
