/**
 * The path of a URL with what varies taken out, so that it can be a label.
 *
 *     normalizeUrl("/api/users/123?tab=orders")                          "/api/users/:id"
 *     normalizeUrl("https://shop.example/api/orders/456/items/789/")    "/api/orders/:id/items/:id"
 *     normalizeUrl("/avatars/550e8400-e29b-41d4-a716-446655440000.png")  "/avatars/:uuid.png"
 *
 * A router that knows the route's template knows better: use this where there is none. It guesses by shape and so
 * knows neither user names nor slugs; a CardinalityLimiter behind it bounds what it lets through.
 *
 * One pass over the characters finds the end of each segment and the kinds of characters in it. A segment without digits, `@`, `%` and
 * foreign characters is a word and is done; only the others are looked at again.
 */

export interface UrlPattern {
  /** Tried on one segment, percent-decoded where that gives plain ASCII. One that throws does not match. */
  readonly match: RegExp | ((segment: string) => boolean);
  /** What is written instead, a whole segment: ":sku". */
  readonly as: string;
}

export interface NormalizeUrlOptions {
  /** Tried in their order on each segment before the rules below. Segments that begin with ":" or are longer than 1024 are not offered. */
  readonly patterns?: readonly UrlPattern[];
  /** Segments kept; what follows becomes one `…`. Default: 12. */
  readonly maxSegments?: number;
  /** UTF-16 units of a segment; a longer one becomes `:long`. Default: 64, at least 16. */
  readonly maxSegmentLength?: number;
}

/**
 * The normalized path of `url`, which may be absolute, a path, or anything else: no string makes it throw, the time is linear in its
 * length, the result is at most `maxSegments * (maxSegmentLength + 1) + 2` long, and normalizing the result again
 * changes nothing. Always begins with `/`; something that is no string is `/`.
 *
 * Dropped: scheme, host, query string, fragment, matrix parameters (`;jsessionid=…`), empty segments and the trailing slash; `.` and
 * `..` are resolved. Segments become, the first that fits:
 *
 * | written | what it stands for |
 * |---|---|
 * | custom | `patterns` of the options |
 * | `:text` | percent-escapes or characters that no path of an API has: free text, other scripts, attacks |
 * | `:email` | `ann@example.com`, also as `ann%40example.com` |
 * | `:date` | `2025-10-12`, `2025-10`, `2025-10-12T08:30:00Z`. Not `20251012`: an id of eight digits would sometimes look like a date |
 * | `:ip` | `10.0.0.1` |
 * | `:id` | digits, also signed, in lists and groups (`1,2,3`, `978-3-16`); anything with six digits in a row (`invoice-100234`) |
 * | `:uuid` | 8-4-4-4-12 hexadecimal digits |
 * | `:hash` | 16 or more hexadecimal digits: md5, sha1, sha256, git, ObjectId, trace ids |
 * | `:ulid` | 26 characters of Crockford's base32 |
 * | `:token` | a JWT, or 16 or more of base64url that nobody typed: letters and digits change five times, or capitals, small letters and digits without a word among them |
 * | `:long` | whatever is longer than `maxSegmentLength` |
 *
 * A short extension stays: `123.json` becomes `:id.json`. Versions stay: `v1`, `2.0`, `1.2.3`.
 *
 * @throws TypeError or RangeError if `options` make no sense; never because of `url`
 */
export function normalizeUrl(url: string, options?: NormalizeUrlOptions): string {
  if (typeof url !== "string") return "/";
  const rules = options === undefined ? defaultRules : rulesOf(options);
  let path = "";
  let depth = 0;
  let at = findPathStart(url);
  for (;;) {
    // One segment: where it ends and what it is made of.
    const lo = at;
    let kinds = 0;
    for (; at < url.length; at++) {
      const code = url.charCodeAt(at);
      const kind = code < 128 ? (KINDS[code] as number) : FOREIGN;
      if (kind === END) break;
      kinds |= kind;
    }
    if (at > lo) {
      const segment = normalizeSegment(url, lo, at, kinds, rules);
      if (segment === "..") {
        if (depth > 0) {
          depth--;
          path = path.slice(0, path.lastIndexOf("/"));
        }
      } else if (segment !== "" && segment !== ".") {
        if (depth === rules.maxSegments) return `${path}/…`;
        depth++;
        path += `/${segment}`;
      }
    }
    if (at < url.length && url.charCodeAt(at) === SEMICOLON) {
      while (at < url.length && !isSegmentEnd(url.charCodeAt(at))) at++;
    }
    if (at >= url.length || url.charCodeAt(at) !== SLASH) return path === "" ? "/" : path;
    at++;
  }
}

interface Rules {
  readonly patterns: readonly UrlPattern[];
  /** What `patterns` write: left alone when it comes in, so that normalizing twice changes nothing. */
  readonly written: ReadonlySet<string>;
  readonly maxSegments: number;
  readonly maxSegmentLength: number;
}

/** Kinds of characters, bits to be or-ed. */
const LETTER = 1;
const DIGIT = 2;
/** `-` `_` and others that plain words have. */
const MARK = 4;
const DOT = 8;
const AT_SIGN = 16;
const PERCENT = 32;
/** What no path of an API has. */
const FOREIGN = 64;
/** Ends a segment. */
const END = 128;

const SLASH = 0x2f;
const SEMICOLON = 0x3b;

const KINDS: Uint8Array = new Uint8Array(128).fill(FOREIGN);
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

/** Longest segment that a custom pattern is tried on: a careless RegExp must not meet megabytes. */
const patternLengthMax = 1024;
/** Shortest of what may be taken for a hash or a token. */
const randomLengthMin = 16;
const extensionLengthMax = 5;

const defaultRules: Rules = { patterns: [], written: new Set(), maxSegments: 12, maxSegmentLength: 64 };
const rulesByOptions = new WeakMap<NormalizeUrlOptions, Rules>();

function rulesOf(options: NormalizeUrlOptions): Rules {
  let rules = rulesByOptions.get(options);
  if (rules === undefined) {
    rules = compileRules(options);
    rulesByOptions.set(options, rules);
  }
  return rules;
}

function compileRules(options: NormalizeUrlOptions): Rules {
  const { patterns = [], maxSegments = defaultRules.maxSegments } = options;
  const maxSegmentLength = options.maxSegmentLength ?? defaultRules.maxSegmentLength;
  if (!Number.isInteger(maxSegments) || maxSegments < 1) {
    throw new RangeError(`normalizeUrl: maxSegments is ${maxSegments}, want a whole number from 1`);
  }
  if (!Number.isInteger(maxSegmentLength) || maxSegmentLength < 16) {
    throw new RangeError(`normalizeUrl: maxSegmentLength is ${maxSegmentLength}, want a whole number from 16`);
  }
  for (const { match, as } of patterns) {
    if (typeof match !== "function" && !(match instanceof RegExp)) {
      throw new TypeError("normalizeUrl: a pattern's match is neither a RegExp nor a function");
    }
    if (typeof as !== "string" || !/^[\w:~!$&'()*+,=@{}[\].-]+$/.test(as) || as === "." || as === "..") {
      throw new TypeError(`normalizeUrl: a pattern writes ${JSON.stringify(as)}, want one segment such as ":sku"`);
    }
    if (as.length > maxSegmentLength) {
      throw new RangeError(`normalizeUrl: a pattern writes ${as.length} characters, want at most ${maxSegmentLength}`);
    }
  }
  return { patterns: [...patterns], written: new Set(patterns.map(({ as }) => as)), maxSegments, maxSegmentLength };
}

/** Where the path of an absolute URL begins: after `scheme://host`. Anything else is a path from its first character. */
function findPathStart(url: string): number {
  let at = 0;
  if (!isLetter(url.charCodeAt(0))) return 0;
  while (at < url.length && isSchemeCharacter(url.charCodeAt(at))) at++;
  if (!url.startsWith("://", at)) return 0;
  at += 3;
  while (at < url.length && !isSegmentEnd(url.charCodeAt(at))) at++;
  return at;
}

/** What is written for `text[lo..hi)`, not empty, made of `kinds`; "." and ".." are the caller's. */
function normalizeSegment(text: string, lo: number, hi: number, kinds: number, rules: Rules): string {
  if ((kinds & (PERCENT | FOREIGN)) !== 0) {
    const decoded = (kinds & FOREIGN) === 0 ? decodeSegment(text, lo, hi) : null;
    if (decoded === null) return customName(text, lo, hi, rules) ?? ":text";
    let decodedKinds = 0;
    for (let at = 0; at < decoded.length; at++) decodedKinds |= KINDS[decoded.charCodeAt(at)] as number;
    return normalizeSegment(decoded, 0, decoded.length, decodedKinds, rules);
  }
  return (
    customName(text, lo, hi, rules) ??
    ((kinds & (DIGIT | AT_SIGN)) !== 0 ? nameOf(text, lo, hi, kinds) : null) ??
    (hi - lo > rules.maxSegmentLength ? ":long" : text.slice(lo, hi))
  );
}

/** What the first custom pattern that fits writes, or null. */
function customName(text: string, lo: number, hi: number, rules: Rules): string | null {
  if (rules.patterns.length === 0 || hi - lo > patternLengthMax) return null;
  const segment = text.slice(lo, hi);
  if (rules.written.has(segment)) return segment;
  if (segment.startsWith(":") || segment === "." || segment === "..") return null;
  for (const { match, as } of rules.patterns) {
    try {
      if (typeof match === "function") {
        if (match(segment)) return as;
      } else {
        // A RegExp with flag g or y would go on where it stopped the last time.
        match.lastIndex = 0;
        if (match.test(segment)) return as;
      }
    } catch {
      // The caller's function; a request must not fail for it.
    }
  }
  return null;
}

const COLON = 0x3a;

/** Percent-decoded `text[lo..hi)` if that is nothing but what paths are made of, else null. */
function decodeSegment(text: string, lo: number, hi: number): string | null {
  let decoded = "";
  let copied = lo;
  for (let at = text.indexOf("%", lo); at !== -1 && at < hi; at = text.indexOf("%", at)) {
    const code = at + 2 < hi ? hexValue(text.charCodeAt(at + 1)) * 16 + hexValue(text.charCodeAt(at + 2)) : -1;
    if (code < 0 || code >= 128 || ((KINDS[code] as number) & (PERCENT | FOREIGN | END)) !== 0) return null;
    decoded += text.slice(copied, at) + String.fromCharCode(code);
    at += 3;
    copied = at;
  }
  return decoded + text.slice(copied, hi);
}

/** The name of what `text[lo..hi)` varies by, or null for a word. It has a digit or an `@`, and nothing foreign. */
function nameOf(text: string, lo: number, hi: number, kinds: number): string | null {
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

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isLetter(code: number): boolean {
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x7a;
}

function isSchemeCharacter(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 0x2b || code === 0x2d || code === 0x2e;
}

function isSegmentEnd(code: number): boolean {
  return code === SLASH || code === 0x3f || code === 0x23;
}

/** Of a hexadecimal digit; very negative for anything else. */
function hexValue(code: number): number {
  if (isDigit(code)) return code - 0x30;
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1e6;
}
