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

import { nameOf } from "./segment-shape.ts";
import {
  AT_SIGN,
  DIGIT,
  END,
  FOREIGN,
  hexValue,
  isDigit,
  isLetter,
  KINDS,
  PERCENT,
  SEMICOLON,
  SLASH,
} from "./url-characters.ts";

export interface UrlPattern {
  /** Tried on one segment, percent-decoded where that gives plain ASCII. One that throws does not match. */
  readonly match: RegExp | ((segment: string) => boolean);
  /** What is written instead, a whole segment: ":sku". */
  readonly as: string;
}

/** What else is taken out of a path, and how much of it is kept. */
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

/** Longest segment that a custom pattern is tried on: a careless RegExp must not meet megabytes. */
const patternLengthMax = 1024;

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

function isSchemeCharacter(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 0x2b || code === 0x2d || code === 0x2e;
}

function isSegmentEnd(code: number): boolean {
  return code === SLASH || code === 0x3f || code === 0x23;
}
