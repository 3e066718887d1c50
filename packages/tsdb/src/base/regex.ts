/**
 * Regexes that users write: RE2 syntax, matched in linear time. A user's pattern never becomes a `RegExp`.
 *
 * Words, lists of words and words with `.*` or `.+` are matched by string search (regex-shape.ts tells which patterns
 * are); the rest by the `re2js` engine, within bounds on the size of a pattern, so that compiling stays in the
 * milliseconds. Compiled patterns are remembered: dashboards ask the same ones over and over.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { InputError } from "./errors.ts";
import { type Glob, type RegexShape, readRegexShape } from "./regex-shape.ts";

/** A pattern anchored at both ends: `^(?:pattern)$`. A dot does not match a line break, but in `(?s:…)`. */
export interface StringMatcher {
  readonly pattern: string;
  /** All texts that match, without repeats, if they are finitely many and few; else null. */
  readonly literals: readonly string[] | null;
  /** Every text that matches starts with it; may be empty. */
  readonly prefix: string;
  /** Every text that matches contains it; may be empty. */
  readonly needle: string;
  readonly matchesEmpty: boolean;
  /** Instructions of the engine, roughly; 0 when none is needed. */
  readonly size: number;
  matches(text: string): boolean;
}

/** A pattern searched for in texts, with Go's templates for replacements: `$1`, `$name`, `${name}`, `$$`. */
export interface SearchRegex {
  readonly pattern: string;
  /** True if some part of the text matches. */
  test(text: string): boolean;
  /**
   * The template filled from a match of the *whole* text; null if it does not match.
   * @throws InputError 422 for more than MAX_EXPANDED_LENGTH.
   */
  expandWhole(text: string, template: string): string | null;
  /** Replaces every match in the text by the filled template. @throws InputError 422 for more than MAX_EXPANDED_LENGTH. */
  replaceAll(text: string, template: string): string;
}

/** UTF-16 units of a pattern, lists of words included. */
export const MAX_PATTERN_LENGTH: number = 256 * 1024;

/** Engine instructions a pattern may need; about 20 ms of compiling. */
export const MAX_PATTERN_SIZE = 8000;

/** UTF-16 units of a text put together from matches: `$1$1$1…`, applied again and again, grows as its powers. */
export const MAX_EXPANDED_LENGTH: number = 16 * 1024;

/**
 * Instructions times units of text that one match may take, about 100 ms at worst: an engine that runs out of remembered states looks at
 * every instruction at every unit, and cannot be stopped.
 */
const MAX_MATCH_WORK = 4_000_000;

/** @throws InputError with the column in the pattern. */
export function compileRegex(pattern: string): StringMatcher {
  return matchers.get(pattern) ?? matchers.add(pattern, createMatcher(pattern));
}

/**
 * A pattern of a selector. Where it is a plain text with `.*` or `.+` around or in it, and where it is anything at all, these match line breaks, too: so does
 * VictoriaMetrics, whose storage answers such patterns without an engine. @throws InputError with the column in the pattern.
 */
export function compileSelectorRegex(pattern: string): StringMatcher {
  const known = selectors.get(pattern);
  if (known !== undefined) return known;
  const { globs } = readBoundedShape(pattern);
  return selectors.add(
    pattern,
    compileRegex(globs?.length === 1 && (globs[0] as Glob).gaps.length > 0 ? `(?s:${pattern})` : pattern),
  );
}

/** @throws InputError with the column in the pattern. */
export function compileSearchRegex(pattern: string): SearchRegex {
  return searches.get(pattern) ?? searches.add(pattern, new EngineSearch(pattern));
}

/** Keeps the most recently used values. */
class RecentCache<T> {
  private readonly values = new Map<string, T>();
  private readonly countMax: number;

  constructor(countMax: number) {
    this.countMax = countMax;
  }

  get(key: string): T | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    this.values.delete(key);
    this.values.set(key, value);
    return value;
  }

  add(key: string, value: T): T {
    if (this.values.size >= this.countMax) {
      for (const oldest of this.values.keys()) {
        this.values.delete(oldest);
        break;
      }
    }
    this.values.set(key, value);
    return value;
  }
}

const matchers = new RecentCache<StringMatcher>(256);
const selectors = new RecentCache<StringMatcher>(256);
const searches = new RecentCache<SearchRegex>(64);

function createMatcher(pattern: string): StringMatcher {
  const shape = readBoundedShape(pattern);
  const { globs } = shape;
  if (globs === null || globs.length > GLOBS_MAX) {
    if (globs?.every(({ gaps }) => gaps.length === 0)) return new LiteralMatcher(pattern, shape, globs);
    checkSize(pattern, shape);
    return new EngineMatcher(pattern, shape);
  }
  if (globs.every(({ gaps }) => gaps.length === 0)) return new LiteralMatcher(pattern, shape, globs);
  return new GlobMatcher(pattern, shape, globs);
}

/** More globs with gaps than this are slower one by one than the engine is. */
const GLOBS_MAX = 1000;

/** A finite set of texts. */
class LiteralMatcher implements StringMatcher {
  readonly pattern: string;
  readonly literals: readonly string[];
  readonly prefix: string;
  readonly needle: string;
  readonly matchesEmpty: boolean;
  readonly size: 0 = 0;
  private readonly set: ReadonlySet<string>;

  constructor(pattern: string, shape: RegexShape, globs: readonly Glob[]) {
    this.pattern = pattern;
    this.set = new Set(globs.map(({ parts }) => parts[0] as string));
    this.literals = [...this.set];
    this.prefix = shape.prefix;
    this.needle = shape.needle;
    this.matchesEmpty = this.set.has("");
  }

  matches(text: string): boolean {
    return this.set.has(text);
  }
}

/** Texts with gaps between them. */
class GlobMatcher implements StringMatcher {
  readonly pattern: string;
  readonly literals: null = null;
  readonly prefix: string;
  readonly needle: string;
  readonly matchesEmpty: boolean;
  readonly size: 0 = 0;
  private readonly globs: readonly Glob[];
  private readonly isDotAll: boolean;

  constructor(pattern: string, shape: RegexShape, globs: readonly Glob[]) {
    this.pattern = pattern;
    this.prefix = shape.prefix;
    this.needle = shape.needle;
    this.globs = globs;
    this.isDotAll = shape.isDotAll;
    this.matchesEmpty = this.matches("");
  }

  matches(text: string): boolean {
    const { globs } = this;
    const isGapless = !this.isDotAll && text.includes("\n");
    for (let i = 0; i < globs.length; i++) {
      if (matchesGlob(globs[i] as Glob, text, isGapless)) return true;
    }
    return false;
  }
}

/** The first part stands at the start, the last at the end, and each between them as early as it can. No gaps in a text that has what they cannot. */
function matchesGlob(glob: Glob, text: string, isGapless: boolean): boolean {
  const { parts, gaps } = glob;
  const last = gaps.length;
  const first = parts[0] as string;
  if (last === 0) return text === first;
  if (isGapless || !text.startsWith(first)) return false;
  let at = first.length;
  for (let i = 1; i < last; i++) {
    const part = parts[i] as string;
    const found = text.indexOf(part, at + (gaps[i - 1] as number));
    if (found < 0) return false;
    at = found + part.length;
  }
  const end = parts[last] as string;
  return text.length - end.length >= at + (gaps[last - 1] as number) && text.endsWith(end);
}

class EngineMatcher implements StringMatcher {
  readonly pattern: string;
  readonly literals: null = null;
  readonly prefix: string;
  readonly needle: string;
  readonly matchesEmpty: boolean;
  readonly size: number;
  private readonly engine: RE2JS;

  constructor(pattern: string, shape: RegexShape) {
    this.pattern = pattern;
    this.prefix = shape.prefix;
    this.needle = shape.needle;
    this.size = shape.size;
    this.engine = compileEngine(pattern);
    this.matchesEmpty = this.prefix === "" && this.engine.testExact("");
  }

  matches(text: string): boolean {
    if (!text.startsWith(this.prefix) || !text.includes(this.needle)) return false;
    checkWork(this.pattern, this.size, text);
    return this.engine.testExact(text);
  }
}

class EngineSearch implements SearchRegex {
  readonly pattern: string;
  private readonly engine: RE2JS;
  private readonly size: number;
  private readonly groupsByName: ReadonlyMap<string, number>;

  constructor(pattern: string) {
    const shape = readBoundedShape(pattern);
    checkSize(pattern, shape);
    this.pattern = pattern;
    this.size = shape.size;
    this.engine = compileEngine(pattern);
    this.groupsByName = new Map(Object.entries(this.engine.namedGroups()));
  }

  test(text: string): boolean {
    checkWork(this.pattern, this.size, text);
    return this.engine.test(text);
  }

  expandWhole(text: string, template: string): string | null {
    checkWork(this.pattern, this.size, text);
    const matcher = this.engine.matcher(text);
    return matcher.matches() ? this.fill(template, matcher) : null;
  }

  /** Go's rule for empty matches: none is replaced right behind another match. */
  replaceAll(text: string, template: string): string {
    checkWork(this.pattern, this.size, text);
    const matcher = this.engine.matcher(text);
    let out = "";
    let doneEnd = 0;
    let searchAt = 0;
    while (searchAt <= text.length && matcher.find(searchAt)) {
      const start = matcher.start();
      const end = matcher.end();
      out += text.slice(doneEnd, start);
      if (end > doneEnd || start === 0) out += this.fill(template, matcher);
      checkExpanded(out.length);
      doneEnd = end;
      if (end > searchAt) searchAt = end;
      else searchAt += (text.codePointAt(searchAt) ?? 0) > 0xffff ? 2 : 1;
    }
    return out + text.slice(doneEnd);
  }

  private fill(template: string, matcher: Match): string {
    let out = "";
    let at = 0;
    for (;;) {
      const dollar = template.indexOf("$", at);
      if (dollar < 0) return out + template.slice(at);
      out += template.slice(at, dollar);
      at = dollar + 1;
      if (template[at] === "$") {
        out += "$";
        at++;
        continue;
      }
      const hasBraces = template[at] === "{";
      const nameAt = hasBraces ? at + 1 : at;
      const nameEnd = endOfName(template, nameAt);
      // A dollar that names nothing is a dollar.
      if (nameEnd === nameAt || (hasBraces && template[nameEnd] !== "}")) {
        out += "$";
        continue;
      }
      out += this.groupText(template.slice(nameAt, nameEnd), matcher);
      checkExpanded(out.length);
      at = hasBraces ? nameEnd + 1 : nameEnd;
    }
  }

  /** Groups that do not exist or took no part in the match are empty. */
  private groupText(name: string, matcher: Match): string {
    const index = /^[0-9]+$/.test(name) ? Number(name) : (this.groupsByName.get(name) ?? -1);
    if (index < 0 || index > this.engine.groupCount()) return "";
    return matcher.group(index) ?? "";
  }
}

type Match = ReturnType<RE2JS["matcher"]>;

/** End of the letters, digits and underscores at `at`. */
function endOfName(template: string, at: number): number {
  let end = at;
  for (;;) {
    const code = template.codePointAt(end);
    if (code === undefined) return end;
    const char = String.fromCodePoint(code);
    if (!/^[\p{L}\p{Nd}_]$/u.test(char)) return end;
    end += char.length;
  }
}

function readBoundedShape(pattern: string): RegexShape {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new InputError(
      `regex ${shown(pattern)}: want at most ${MAX_PATTERN_LENGTH} characters, got ${pattern.length}`,
      400,
      1,
      1,
    );
  }
  return readRegexShape(pattern);
}

function checkSize(pattern: string, shape: RegexShape): void {
  if (shape.size <= MAX_PATTERN_SIZE) return;
  throw new InputError(
    `regex ${shown(pattern)}: want at most ${MAX_PATTERN_SIZE} instructions, got about ${shape.size}; use fewer or smaller repeats`,
    400,
    1,
    1,
  );
}

function checkWork(pattern: string, size: number, text: string): void {
  if (size * text.length <= MAX_MATCH_WORK) return;
  throw new InputError(
    `regex ${shown(pattern)}: about ${size} instructions are too many to match a text of ${text.length} characters with; ` +
      "use fewer or smaller repeats",
    422,
  );
}

function checkExpanded(length: number): void {
  if (length <= MAX_EXPANDED_LENGTH) return;
  throw new InputError(`replacement: makes a text of more than ${MAX_EXPANDED_LENGTH} characters`, 422);
}

/** Bytes of states an engine may remember; its own default is eight times as much, and many patterns are alive at once. */
const ENGINE_STATE_BYTES = 1024 * 1024;

function compileEngine(pattern: string): RE2JS {
  try {
    const engine = RE2JS.compile(pattern);
    const { dfa } = engine.re2();
    dfa.stateBudget = ENGINE_STATE_BYTES;
    dfa.memBudget = ENGINE_STATE_BYTES;
    return engine;
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) {
      const piece = error.input ?? "";
      const column = Math.max(0, piece === "" ? 0 : pattern.lastIndexOf(piece)) + 1;
      const place = piece === "" || piece === pattern ? "" : ` at ${shown(piece)} (column ${column})`;
      throw new InputError(`regex ${shown(pattern)}: ${error.error}${place}; want RE2 syntax`, 400, 1, column);
    }
    // Anything else the library throws is about the pattern as well: it has seen nothing else.
    if (error instanceof RE2JSException || error instanceof RangeError) {
      throw new InputError(`regex ${shown(pattern)}: ${error.message}`, 400, 1, 1);
    }
    throw error;
  }
}

function shown(pattern: string): string {
  return JSON.stringify(pattern.length > 64 ? `${pattern.slice(0, 64)}…` : pattern);
}

/** A pattern that matches this text and no other. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}
