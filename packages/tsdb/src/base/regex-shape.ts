/**
 * What can be said about a regex without running it.
 *
 * Most regexes in queries are lists of words and words with `.*` around them. Their language is a finite union of *globs*,
 * literal texts with gaps between them, which string search answers faster than any engine:
 *
 *     node-(a|b)      →  "node-a" ∪ "node-b"
 *     (GET|POST).*    →  "GET" gap "" ∪ "POST" gap ""
 *     .+error.*       →  "" gap≥1 "error" gap ""
 *
 * Of any other regex the literal prefix is kept, and its size is bounded before an engine compiles it. The reader knows
 * RE2 syntax well enough to find where things end; whether a regex is valid is for the engine to say, so everything
 * beyond the plainest syntax makes it give up on globs.
 */

/** `parts[0] gap[0] parts[1] gap[1] … parts[n]`; without gaps it is a plain text. */
export interface Glob {
  readonly parts: readonly string[];
  /** Fewest characters in each gap, 0 (`.*`) or 1 (`.+`). */
  readonly gaps: readonly number[];
}

export interface RegexShape {
  /** The texts that match, as a union; null if they are no such union, or the regex is not plain enough to tell. */
  readonly globs: readonly Glob[] | null;
  /** Dots match line breaks, so gaps may have them: the pattern as a whole is `(?s:…)`. */
  readonly isDotAll: boolean;
  /** Every text that matches starts with it. */
  readonly prefix: string;
  /** Every text that matches contains it: the longest such text that can be told without running it. */
  readonly needle: string;
  /** Instructions an engine may need, roughly and rather too many. */
  readonly size: number;
}

/** Never throws: a regex that is not valid has some shape, too. */
export function readRegexShape(pattern: string): RegexShape {
  if (pattern.startsWith(DOT_ALL)) {
    const shape = new ShapeReader(pattern, DOT_ALL.length).read();
    if (shape !== null) return shape;
  }
  return new ShapeReader(pattern, 0).read() as RegexShape;
}

const DOT_ALL = "(?s:";

/** Globs that may be put together from groups and classes in sequence, for the whole pattern; a list of words needs none. */
const JOINS_MAX = 10_000;
/** Classes of more characters than this are not spelled out. */
const CLASS_MAX = 16;
const DEPTH_MAX = 200;
/** Escapes of one letter, for a class, a place or a sign. */
const CLASS_ESCAPES = "dDwWsSbBAzafnrtv";
/** UTF-16 units of a class's name such as `{Greek}` or `[:alpha:]`. */
const NAME_MAX = 64;
/** `\pL` and the like are hundreds of ranges. */
const UNICODE_CLASS_SIZE = 40;

/** A part of the pattern: what it matches, if that is a union of globs, its literal start, and a text it cannot do without. */
interface Piece {
  globs: Glob[] | null;
  prefix: string;
  needle: string;
  size: number;
}

const LONE_SURROGATE = /[\ud800-\udfff]/u;

const EMPTY_GLOB: Glob = { parts: [""], gaps: [] };

class ShapeReader {
  private readonly pattern: string;
  private at: number;
  private readonly isDotAll: boolean;
  private depth = 0;
  private joinCount = 0;
  /** False once something was seen that only the engine understands: flags, unbalanced or misplaced signs. */
  private isPlain = true;
  /** False once an escape was seen of which it is not known where it ends. */
  private hasNeedle = true;
  /** Case folding makes wide ranges costly for the engine. */
  private readonly hasFlags: boolean;

  /** Behind `(?s:`, which then must end where the pattern ends, or at its start. */
  constructor(pattern: string, start: number) {
    this.pattern = pattern;
    this.at = start;
    this.isDotAll = start > 0;
    this.hasFlags = pattern.includes("(?", start);
  }

  /** null if `(?s:…)` is not the whole pattern. */
  read(): RegexShape | null {
    const { isDotAll } = this;
    const piece = this.readAlternatives();
    if (isDotAll) {
      if (this.pattern[this.at] !== ")" || this.at + 1 < this.pattern.length) return null;
      this.at++;
    }
    while (this.at < this.pattern.length) {
      // A `)` too many: not a valid regex, but its size still counts.
      this.isPlain = false;
      this.at++;
      piece.size += this.readAlternatives().size;
    }
    if (!this.isPlain || LONE_SURROGATE.test(this.pattern)) {
      return { globs: null, isDotAll, prefix: "", needle: "", size: piece.size };
    }
    const { globs, prefix, size } = piece;
    const needle = this.hasNeedle ? piece.needle : "";
    if (globs === null || hasGapAndNewline(globs)) return { globs: null, isDotAll, prefix, needle, size };
    return { globs, isDotAll, prefix: commonPrefix(globs), needle, size };
  }

  private readAlternatives(): Piece {
    const first = this.readSequence();
    if (this.pattern[this.at] !== "|") return first;
    const globs: Glob[] | null = first.globs;
    let isUnion = globs !== null;
    let { prefix, size } = first;
    while (this.pattern[this.at] === "|") {
      this.at++;
      const next = this.readSequence();
      size += next.size + 1;
      prefix = sharedStart(prefix, next.prefix);
      if (next.globs === null) isUnion = false;
      else if (isUnion) for (const glob of next.globs) globs?.push(glob);
    }
    return { globs: isUnion ? globs : null, prefix, needle: "", size };
  }

  private readSequence(): Piece {
    const { pattern } = this;
    let globs: Glob[] | null = [EMPTY_GLOB];
    let prefix = "";
    let isPrefixOpen = true;
    let needle = "";
    // Texts that follow each other are one.
    let run = "";
    let size = 0;
    let isStart = true;
    while (this.at < pattern.length) {
      const char = pattern[this.at] as string;
      if (char === "|" || char === ")") break;
      // The whole pattern is anchored, so anchors at its outer ends say nothing new.
      if (this.depth === 0 && this.isIdleAnchor(char, isStart)) {
        this.at++;
        continue;
      }
      isStart = false;
      const atom = this.readQuantified(this.readAtom());
      size += atom.size;
      if (isPrefixOpen) prefix += atom.prefix;
      if (globs !== null && atom.globs !== null) globs = this.concatenate(globs, atom.globs);
      else globs = null;
      if (isSingleText(atom.globs)) run += atom.globs[0].parts[0];
      else {
        isPrefixOpen = false;
        run = "";
      }
      if (run.length > needle.length) needle = run;
      if (atom.needle.length > needle.length) needle = atom.needle;
    }
    return { globs, prefix, needle, size };
  }

  private isIdleAnchor(char: string, isStart: boolean): boolean {
    if (char === "^") return isStart && !this.isQuantifierAt(this.at + 1);
    if (char !== "$") return false;
    const next = this.pattern[this.at + 1];
    return next === undefined || next === "|" || (next === ")" && this.isDotAll && this.at + 2 === this.pattern.length);
  }

  private readAtom(): Piece {
    const { pattern } = this;
    const char = pattern[this.at] as string;
    switch (char) {
      case "(":
        return this.readGroup();
      case "[":
        return this.readClass();
      case "\\":
        return this.readEscape();
      case ".":
      case "^":
      case "$":
        this.at++;
        return opaque(1);
      case "*":
      case "+":
      case "?":
        this.isPlain = false;
        this.at++;
        return opaque(1);
      default: {
        if (char === "{" && this.isQuantifierAt(this.at)) this.isPlain = false;
        return this.readText();
      }
    }
  }

  /** As many plain characters as stand here, but not the last of them if a quantifier follows. */
  private readText(): Piece {
    const { pattern } = this;
    const start = this.at;
    let end = start;
    while (
      end < pattern.length &&
      !isMeta(pattern[end] as string) &&
      !(pattern[end] === "{" && this.isQuantifierAt(end))
    ) {
      const next = end + ((pattern.codePointAt(end) as number) > 0xffff ? 2 : 1);
      if (end > start && this.isQuantifierAt(next)) break;
      end = next;
    }
    // A brace that is a quantifier without anything to repeat: step over it, the engine will refuse it.
    if (end === start) end++;
    this.at = end;
    return text(pattern.slice(start, end));
  }

  private readGroup(): Piece {
    const { pattern } = this;
    this.at++;
    if (pattern[this.at] === "?") {
      if (pattern[this.at + 1] === ":") {
        this.at += 2;
      } else {
        // Flags and names: only the engine knows which of them exist.
        this.isPlain = false;
        while (this.at < pattern.length && !")>:".includes(pattern[this.at] as string)) this.at++;
        if (pattern[this.at] !== ")") this.at++;
      }
    }
    if (++this.depth > DEPTH_MAX) {
      this.isPlain = false;
      this.depth--;
      return opaque(1);
    }
    const inner = this.readAlternatives();
    this.depth--;
    if (pattern[this.at] === ")") this.at++;
    else this.isPlain = false;
    // Two instructions remember where a capturing group starts and ends.
    inner.size += 2;
    return inner;
  }

  private readEscape(): Piece {
    const { pattern } = this;
    const char = pattern[this.at + 1] ?? "";
    this.at += 2;
    if (char !== "" && "\\.+*?()|[]{}^$-/_ \"'`!@#%&=:;,<>~".includes(char) && isAsciiSign(char)) return text(char);
    // What belongs to any other escape would be taken for text that follows it.
    if (!CLASS_ESCAPES.includes(char)) this.hasNeedle = false;
    if (char === "p" || char === "P") {
      this.skipBraces();
      return opaque(UNICODE_CLASS_SIZE);
    }
    if (char === "x") this.skipBraces();
    if (char === "Q") {
      this.isPlain = false;
      const end = pattern.indexOf("\\E", this.at);
      const length = (end < 0 ? pattern.length : end) - this.at;
      this.at = end < 0 ? pattern.length : end + 2;
      return opaque(length);
    }
    return opaque(1);
  }

  private skipBraces(): void {
    const { pattern } = this;
    if (pattern[this.at] !== "{") return;
    const length = pattern.slice(this.at, this.at + NAME_MAX).indexOf("}");
    if (length >= 0) this.at += length + 1;
  }

  private readClass(): Piece {
    const { pattern } = this;
    const start = this.at;
    let at = start + 1;
    let isSimple = pattern[at] !== "^";
    if (!isSimple) at++;
    const chars: string[] = [];
    let size = 1;
    for (let isFirst = true; at < pattern.length && (isFirst || pattern[at] !== "]"); isFirst = false) {
      const char = String.fromCodePoint(pattern.codePointAt(at) as number);
      if (char === "\\") {
        if (pattern[at + 1] === "p" || pattern[at + 1] === "P") size += UNICODE_CLASS_SIZE;
        isSimple = false;
        at += 2;
      } else if (char === "[" && pattern[at + 1] === ":") {
        isSimple = false;
        size += 4;
        const length = pattern.slice(at, at + NAME_MAX).indexOf(":]");
        at += length < 0 ? 1 : length + 2;
      } else {
        at += char.length;
        if (char === "[" || char === "]" || char === "-") isSimple = false;
        if (pattern[at] === "-" && at + 1 < pattern.length && pattern[at + 1] !== "]") {
          const hi = pattern.codePointAt(at + 1) as number;
          const lo = char.codePointAt(0) as number;
          at += hi > 0xffff ? 3 : 2;
          if (hi === 92 || hi < lo || hi - lo >= CLASS_MAX || hi === 91 || hi === 45) isSimple = false;
          else for (let code = lo; code <= hi; code++) chars.push(String.fromCodePoint(code));
        } else {
          chars.push(char);
        }
        size++;
      }
    }
    if (at >= pattern.length) this.isPlain = false;
    this.at = Math.min(at + 1, pattern.length);
    // Folding a range visits its code points one by one.
    if (this.hasFlags && !isSimple && /\\x|[^\0-\x7f]/.test(pattern.slice(start, this.at)))
      size += 4 * UNICODE_CLASS_SIZE;
    if (!isSimple || chars.length > CLASS_MAX) return opaque(size);
    return { globs: [...new Set(chars)].map((char) => ({ parts: [char], gaps: [] })), prefix: "", needle: "", size };
  }

  /** The atom with the quantifier that follows it, if one does. */
  private readQuantified(atom: Piece): Piece {
    const { pattern } = this;
    if (!this.isQuantifierAt(this.at)) return atom;
    const isDot =
      pattern[this.at - 1] === "." && pattern[this.at - 2] !== "\\" && atom.globs === null && atom.size === 1;
    const sign = pattern[this.at] as string;
    let size = atom.size + 1;
    if (sign === "{") {
      const close = pattern.indexOf("}", this.at);
      const [least, most] = pattern
        .slice(this.at + 1, close)
        .split(",")
        .map(Number) as [number, number?];
      // `x{2,}` is written out like `xx+`, `x{2,5}` like `xx(x(x(x)?)?)?`.
      const copies = Math.max(1, least, most ?? 0);
      size = atom.size * copies + Math.max(0, copies - least) + 1;
      this.at = close + 1;
    } else {
      this.at++;
    }
    if (pattern[this.at] === "?") this.at++;
    if (this.isQuantifierAt(this.at)) this.isPlain = false;
    if (sign === "?" && atom.globs !== null)
      return { globs: [...atom.globs, EMPTY_GLOB], prefix: "", needle: "", size };
    if (isDot && (sign === "*" || sign === "+")) {
      return { globs: [{ parts: ["", ""], gaps: [sign === "*" ? 0 : 1] }], prefix: "", needle: "", size };
    }
    const isNeeded = sign === "+";
    return { globs: null, prefix: isNeeded ? atom.prefix : "", needle: isNeeded ? atom.needle : "", size };
  }

  /** Every glob of `a` followed by every glob of `b`; null if that is too much or cannot be said by a glob. */
  private concatenate(a: Glob[], b: Glob[]): Glob[] | null {
    if (a.length === 1 && a[0] === EMPTY_GLOB) return b;
    if (a.length > 1 || b.length > 1) this.joinCount += a.length * b.length;
    if (this.joinCount > JOINS_MAX) return null;
    const joined: Glob[] = [];
    for (const first of a) {
      for (const second of b) {
        const glob = join(first, second);
        if (glob === null) return null;
        joined.push(glob);
      }
    }
    return joined;
  }

  private isQuantifierAt(at: number): boolean {
    const char = this.pattern[at];
    if (char === "*" || char === "+" || char === "?") return true;
    return char === "{" && /^\{\d{1,9}(?:,\d{0,9})?\}/.test(this.pattern.slice(at, at + 24));
  }
}

function opaque(size: number): Piece {
  return { globs: null, prefix: "", needle: "", size };
}

function text(value: string): Piece {
  return { globs: [{ parts: [value], gaps: [] }], prefix: value, needle: value, size: value.length };
}

function isMeta(char: string): boolean {
  return "\\.+*?()|[^$".includes(char);
}

/** RE2 knows an escape for every ASCII character that is neither letter nor digit. */
function isAsciiSign(char: string): boolean {
  return char > " " && char < "\x7f" && !/[0-9A-Za-z_]/.test(char);
}

function isSingleText(globs: readonly Glob[] | null): globs is readonly [Glob] {
  return globs !== null && globs.length === 1 && (globs[0] as Glob).gaps.length === 0;
}

function join(a: Glob, b: Glob): Glob | null {
  if (a.gaps.length === 0 && b.gaps.length === 0) return { parts: [`${a.parts[0]}${b.parts[0]}`], gaps: [] };
  const middle = `${a.parts.at(-1)}${b.parts[0]}`;
  if (middle === "" && a.gaps.length > 0 && b.gaps.length > 0) {
    // Two gaps meet. Two characters cannot be counted in UTF-16 units, so `.+.+` is the engine's.
    const least = (a.gaps.at(-1) as number) + (b.gaps[0] as number);
    if (least > 1) return null;
    return {
      parts: [...a.parts.slice(0, -1), ...b.parts.slice(1)],
      gaps: [...a.gaps.slice(0, -1), least, ...b.gaps.slice(1)],
    };
  }
  return { parts: [...a.parts.slice(0, -1), middle, ...b.parts.slice(1)], gaps: [...a.gaps, ...b.gaps] };
}

/** The matcher looks for line breaks in the whole text, not gap by gap. */
function hasGapAndNewline(globs: readonly Glob[]): boolean {
  return globs.some(({ parts, gaps }) => gaps.length > 0 && parts.some((part) => part.includes("\n")));
}

function commonPrefix(globs: readonly Glob[]): string {
  let prefix = globs[0]?.parts[0] ?? "";
  for (const { parts } of globs) prefix = sharedStart(prefix, parts[0] as string);
  return prefix;
}

function sharedStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  // Not half of a character.
  if (length > 0 && (a.charCodeAt(length - 1) & 0xfc00) === 0xd800) length--;
  return a.slice(0, length);
}
