/** Regexes of users: RE2 syntax, matched in linear time. */
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { InputError } from "./errors.ts";

export interface StringMatcher {
  /** The finite set of texts that match, or null. */
  readonly literals: readonly string[] | null;
  /** Every text that matches starts with this. */
  readonly prefix: string;
  readonly matchesEmpty: boolean;
  matches(text: string): boolean;
}

/** @throws InputError */
export function compileRegex(pattern: string): StringMatcher {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw new InputError(`regex ${JSON.stringify(pattern)}: ${error.message}`);
    throw error;
  }
  return {
    literals: null,
    prefix: "",
    matchesEmpty: compiled.testExact(""),
    matches: (text) => compiled.testExact(text),
  };
}
