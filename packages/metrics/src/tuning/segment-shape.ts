/**
 * What a segment of a path varies by, told from its shape alone: an id, a date, a hash, or nothing: it is a word.
 *
 * One pass counts what it is made of; the counts decide, and few shapes are looked at again.
 */
import { AT_SIGN, COLON, DIGIT, DOT, isDigit, isLetter, LETTER } from "./url-characters.ts";

/** The name of what `text[lo..hi)` varies by, or null for a word. It has a digit or an `@`, and nothing foreign. */
export function nameOf(text: string, lo: number, hi: number, kinds: number): string | null {
  if ((kinds & AT_SIGN) !== 0) return (kinds & DOT) !== 0 && isEmail(text, lo, hi) ? ":email" : null;
  if ((kinds & DOT) !== 0) {
    const dot = text.lastIndexOf(".", hi - 1);
    const length = hi - dot - 1;
    if (dot > lo && length >= 1 && length <= extensionLengthMax && isLetter(text.charCodeAt(dot + 1))) {
      const stemName = nameOfStem(text, lo, dot);
      if (stemName !== null) return stemName + text.slice(dot, hi);
    }
  }
  return nameOfStem(text, lo, hi);
}

/** Shortest of what may be taken for a hash or a token. */
const randomLengthMin = 16;
const extensionLengthMax = 5;

function nameOfStem(text: string, lo: number, hi: number): string | null {
  const length = hi - lo;
  let digits = 0;
  let hexLetters = 0;
  let smallLetters = 0;
  let capitals = 0;
  let hyphens = 0;
  let commas = 0;
  let dots = 0;
  /** `_`, `+` and the `=` that pads base64. */
  let joints = 0;
  let digitRun = 0;
  let digitRunMax = 0;
  let smallRun = 0;
  let smallRunMax = 0;
  let changes = 0;
  let previous = 0;
  for (let at = lo; at < hi; at++) {
    const code = text.charCodeAt(at);
    let current = 0;
    if (code >= 0x30 && code <= 0x39) {
      current = DIGIT;
      digits++;
      if (++digitRun > digitRunMax) digitRunMax = digitRun;
      smallRun = 0;
    } else {
      digitRun = 0;
      if (code >= 0x61 && code <= 0x7a) {
        current = LETTER;
        smallLetters++;
        if (code <= 0x66) hexLetters++;
        if (++smallRun > smallRunMax) smallRunMax = smallRun;
      } else {
        smallRun = 0;
        if (code >= 0x41 && code <= 0x5a) {
          current = LETTER;
          capitals++;
          if (code <= 0x46) hexLetters++;
        } else if (code === 0x2d) hyphens++;
        else if (code === 0x2c) commas++;
        else if (code === 0x2e) dots++;
        else if (code === 0x5f || code === 0x2b || code === 0x3d) joints++;
      }
    }
    if (current !== previous && current !== 0 && previous !== 0) changes++;
    previous = current;
  }
  if (digits === 0) return null;
  if (hyphens > 0 && isDate(text, lo, hi)) return ":date";
  if (digits + hyphens + commas + joints === length) return ":id";
  if (dots > 0 && digits + dots + hyphens + commas + joints === length) {
    // With commas numbers in a list (coordinates); without, a version: API paths have them (/2.0/users).
    if (commas > 0) return ":id";
    return dots === 3 && digits + dots === length && isIpv4(text, lo, hi) ? ":ip" : null;
  }
  if (length === 36 && digits + hexLetters === 32 && hyphens === 4 && hasUuidHyphens(text, lo)) return ":uuid";
  if (length >= randomLengthMin && digits + hexLetters === length) return ":hash";
  const alphanumerics = digits + smallLetters + capitals;
  if (length === 26 && alphanumerics === 26 && isUlid(text, lo, hi)) return ":ulid";
  if (length >= randomLengthMin && alphanumerics + hyphens + joints + dots === length) {
    // A name in dots is a package (google.cloud.speech.v1p1beta1) unless it is a JWT: those begin with `{"` in base64.
    if (dots > 0) return text.startsWith("eyJ", lo) ? ":token" : digitRunMax >= 6 ? ":id" : null;
    if (changes >= 5 || (capitals > 0 && smallLetters > 0 && smallRunMax < 5)) return ":token";
  }
  return digitRunMax >= 6 ? ":id" : null;
}

/** `local@domain.tld`; not `@scope` nor `package@1.2.3`. There is a dot. */
function isEmail(text: string, lo: number, hi: number): boolean {
  const sign = text.indexOf("@", lo);
  const dot = text.lastIndexOf(".", hi - 1);
  return sign > lo && dot > sign + 1 && dot < hi - 1 && isLetter(text.charCodeAt(dot + 1));
}

/** `YYYY-MM`, `YYYY-MM-DD`, or the latter, `T` and what times are written with. */
function isDate(text: string, lo: number, hi: number): boolean {
  const length = hi - lo;
  if (length !== 7 && length < 10) return false;
  if (!areDigits(text, lo, lo + 4) || text.charCodeAt(lo + 4) !== 0x2d) return false;
  if (!isTwoDigits(text, lo + 5, 1, 12)) return false;
  if (length === 7) return true;
  if (text.charCodeAt(lo + 7) !== 0x2d || !isTwoDigits(text, lo + 8, 1, 31)) return false;
  if (length === 10) return true;
  if ((text.charCodeAt(lo + 10) | 0x20) !== 0x74) return false;
  for (let at = lo + 11; at < hi; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code) && code !== COLON && code !== 0x2e && code !== 0x2d && code !== 0x2b && (code | 0x20) !== 0x7a) {
      return false;
    }
  }
  return true;
}

/** Four groups of one to three digits; there are three dots and else only digits. */
function isIpv4(text: string, lo: number, hi: number): boolean {
  let group = 0;
  for (let at = lo; at <= hi; at++) {
    if (at === hi || text.charCodeAt(at) === 0x2e) {
      if (group < 1 || group > 3) return false;
      group = 0;
    } else group++;
  }
  return true;
}

function hasUuidHyphens(text: string, lo: number): boolean {
  return (
    text.charCodeAt(lo + 8) === 0x2d &&
    text.charCodeAt(lo + 13) === 0x2d &&
    text.charCodeAt(lo + 18) === 0x2d &&
    text.charCodeAt(lo + 23) === 0x2d
  );
}

/** 128 bits in 26 characters: the first is 7 at most. No I, L, O, U. */
function isUlid(text: string, lo: number, hi: number): boolean {
  const first = text.charCodeAt(lo);
  if (first < 0x30 || first > 0x37) return false;
  for (let at = lo; at < hi; at++) {
    const code = text.charCodeAt(at) | 0x20;
    if (code === 0x69 || code === 0x6c || code === 0x6f || code === 0x75) return false;
  }
  return true;
}

function isTwoDigits(text: string, at: number, min: number, max: number): boolean {
  if (!areDigits(text, at, at + 2)) return false;
  const value = (text.charCodeAt(at) - 0x30) * 10 + text.charCodeAt(at + 1) - 0x30;
  return value >= min && value <= max;
}

function areDigits(text: string, lo: number, hi: number): boolean {
  for (let at = lo; at < hi; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return true;
}
