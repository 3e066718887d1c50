/** What the characters of a URL's path may be: a table, so that a pass over them costs a look-up each. */

/** Kinds of characters, bits to be or-ed. */
export const LETTER = 1;
export const DIGIT = 2;
/** `-` `_` and others that plain words have. */
export const MARK = 4;
export const DOT = 8;
export const AT_SIGN = 16;
export const PERCENT = 32;
/** What no path of an API has. */
export const FOREIGN = 64;
/** Ends a segment. */
export const END = 128;

export const KINDS: Uint8Array = new Uint8Array(128).fill(FOREIGN);
const setKind = (characters: string, kind: number): void => {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind;
};
setKind("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", LETTER);
setKind("0123456789", DIGIT);
// The unreserved and most of the sub-delimiters of RFC 3986, and those that templates of routes are written with.
setKind("-_~!$&'()*+,=:{}[]", MARK);
setKind(".", DOT);
setKind("@", AT_SIGN);
setKind("%", PERCENT);
setKind("/?#;", END);

export const SLASH = 0x2f;
export const SEMICOLON = 0x3b;
export const COLON = 0x3a;

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isLetter(code: number): boolean {
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x7a;
}

/** Of a hexadecimal digit; very negative for anything else. */
export function hexValue(code: number): number {
  if (isDigit(code)) return code - 0x30;
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1e6;
}
