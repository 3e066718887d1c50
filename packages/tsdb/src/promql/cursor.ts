/** A place in the tokens of a query, and what both parsers need there: looking, skipping, failing, counting depth. */
import type { InputError } from "../base/errors.ts";
import { type Token, tokenize } from "./lexer.ts";
import type { PromLimits } from "./limits.ts";
import { shown, syntaxError } from "./syntax-error.ts";

export class Cursor {
  readonly query: string;
  readonly depthMax: number;
  readonly chainMax: number;
  private readonly tokens: readonly Token[];
  private at = 0;
  private depth = 0;

  constructor(query: string, limits: PromLimits) {
    this.query = query;
    this.depthMax = limits.depthMax;
    this.chainMax = limits.chainMax;
    this.tokens = tokenize(query);
  }

  token(): Token {
    return this.tokens[this.at] as Token;
  }

  /** The token behind the one at hand. */
  following(): Token {
    return this.tokens[Math.min(this.at + 1, this.tokens.length - 1)] as Token;
  }

  /** End of the token before the one at hand. */
  get lastEnd(): number {
    return this.at === 0 ? 0 : (this.tokens[this.at - 1] as Token).end;
  }

  next(): Token {
    const token = this.token();
    if (token.kind !== "end") this.at++;
    return token;
  }

  isSign(text: string): boolean {
    return isSignToken(this.token(), text);
  }

  isFollowedBy(text: string): boolean {
    return isSignToken(this.following(), text);
  }

  skip(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.at++;
    return true;
  }

  /** The keyword at hand if it is one of these, and steps behind it. */
  readKeyword(...keywords: readonly string[]): string | null {
    const { keyword } = this.token();
    if (keyword === "" || !keywords.includes(keyword)) return null;
    this.at++;
    return keyword;
  }

  expect(text: string, context: string): Token {
    if (!this.isSign(text)) throw this.unexpected(context, shown(text));
    return this.next();
  }

  /** Counts the nesting of the text; each `enter` has its `leave`. */
  enter(): void {
    if (++this.depth > this.depthMax) throw this.errorAt(this.token().pos, tooDeep(this.depthMax));
  }

  leave(): void {
    this.depth--;
  }

  unexpected(context: string, expected: string): InputError {
    const open = this.token().kind === "end" ? unclosedOf(this.tokens) : null;
    if (open !== null) return this.errorAt(this.token().pos, `unclosed left ${open}`);
    const where = context === "" ? "" : ` in ${context}`;
    return this.errorAt(
      this.token().pos,
      `unexpected ${describe(this.token())}${where}${expected === "" ? "" : `, expected ${expected}`}`,
    );
  }

  errorAt(pos: number, message: string): InputError {
    return syntaxError(this.query, pos, message);
  }
}

export function tooDeep(depthMax: number): string {
  return `query is nested too deeply: more than ${depthMax} levels`;
}

function isSignToken(token: Token, text: string): boolean {
  return token.kind === "sign" && token.text === text;
}

function describe(token: Token): string {
  switch (token.kind) {
    case "end":
      return "end of input";
    case "sign":
      return shown(token.text);
    case "word":
      return `identifier ${shown(token.text)}`;
    default:
      return `${token.kind} ${shown(token.value === "" ? token.text : token.value)}`;
  }
}

/** What the text leaves open, if anything. */
function unclosedOf(tokens: readonly Token[]): string | null {
  let parens = 0;
  let brackets = 0;
  for (const { kind, text } of tokens) {
    if (kind !== "sign") continue;
    if (text === "(") parens++;
    else if (text === ")") parens--;
    else if (text === "[") brackets++;
    else if (text === "]") brackets--;
  }
  return parens > 0 ? "parenthesis" : brackets > 0 ? "bracket" : null;
}
