/**
 * Command lines in the syntax of Go's flag package, which VictoriaMetrics' users type:
 *
 *   -name=value   --name=value   -name value   -switch   -switch=false   -list=a,b -list=c
 *
 * A later flag overrides an earlier one, lists grow. With `-envflag.enable` a flag missing from the command
 * line is taken from the environment (`-search.maxQueryLen` from `search_maxQueryLen`, after `-envflag.prefix`).
 */
import { type Environment, expandEnvironment } from "./env.ts";
import { Secret } from "./secret.ts";
import * as values from "./values.ts";

interface ValueByType {
  bool: boolean;
  int: number;
  float: number;
  string: string;
  /** Milliseconds. */
  duration: number;
  /** Milliseconds. */
  retention: number;
  /** Milliseconds. */
  age: number;
  /** Bytes. */
  size: number;
  array: readonly string[];
  secret: Secret;
}

export interface FlagSpec {
  readonly type: keyof ValueByType;
  /** Text of the default value, parsed like a given one. */
  readonly default: string;
  readonly group: string;
  readonly description: string;
  /** The only texts allowed, when there are few. */
  readonly choices?: readonly string[];
  /** Inclusive bounds of a numeric value. */
  readonly min?: number;
  readonly max?: number;
}

export type FlagTable = Readonly<Record<string, FlagSpec>>;
export type FlagValues<T extends FlagTable> = { readonly [Name in keyof T]: ValueByType[T[Name]["type"]] };

/** The command line cannot be understood; the message is one line for the terminal. */
export class FlagError extends Error {}

export interface ParsedFlags<T extends FlagTable> {
  readonly values: FlagValues<T>;
  /** Texts as given or by default, for /flags; secrets are masked. */
  readonly texts: ReadonlyMap<string, string>;
  /** Names that were given, by command line or environment. */
  readonly given: ReadonlySet<string>;
}

/** @throws FlagError naming the flag and what was wanted. */
export function parseFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  environment: Environment,
): ParsedFlags<T> {
  const given = readArgs(table, args, environment);
  if (given.get("envflag.enable")?.some((text) => text === "true" || text === "1")) {
    readEnvironment(table, environment, given.get("envflag.prefix")?.at(-1) ?? "", given);
  }
  const parsed = new Map<string, unknown>();
  const texts = new Map<string, string>();
  for (const [name, spec] of Object.entries(table)) {
    const given_ = given.get(name);
    const list = given_ ?? (spec.default === "" && spec.type === "array" ? [] : [spec.default]);
    parsed.set(name, parseValue(name, spec, list));
    const text = spec.type === "array" ? list.join(",") : (list.at(-1) as string);
    texts.set(name, spec.type === "secret" && text !== "" ? "secret" : text);
  }
  return {
    values: Object.fromEntries(parsed) as unknown as FlagValues<T>,
    texts,
    given: new Set(given.keys()),
  };
}

/** Texts by flag name, in order of appearance. */
function readArgs(table: FlagTable, args: readonly string[], environment: Environment): Map<string, string[]> {
  const given = new Map<string, string[]>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const match = /^--?([^=-][^=]*)(?:=([\s\S]*))?$/.exec(arg);
    if (match === null) {
      throw new FlagError(
        `unexpected argument ${JSON.stringify(arg)}: want -flag=value (a switch takes its value by "=": -switch=false)`,
      );
    }
    const name = match[1] === "h" ? "help" : (match[1] as string);
    if (!Object.hasOwn(table, name)) {
      const near = nearestName(name, Object.keys(table));
      throw new FlagError(
        `unknown flag -${name}${near === "" ? "" : `, did you mean -${near}?`} See -help for all flags`,
      );
    }
    let text = match[2];
    if (text === undefined) {
      if ((table[name] as FlagSpec).type === "bool") text = "true";
      else if (i + 1 < args.length) text = args[++i] as string;
      else throw new FlagError(`flag -${name}: want a value, got the end of the command line`);
    }
    try {
      addText(given, name, expandEnvironment(text, environment));
    } catch (error) {
      throw asFlagError(name, error);
    }
  }
  return given;
}

function readEnvironment(
  table: FlagTable,
  environment: Environment,
  prefix: string,
  given: Map<string, string[]>,
): void {
  for (const name of Object.keys(table)) {
    const variable = prefix + name.replaceAll(".", "_");
    const text = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
    if (text === undefined || given.has(name)) continue;
    try {
      addText(given, name, expandEnvironment(text, environment));
    } catch (error) {
      throw asFlagError(name, error);
    }
  }
}

function addText(given: Map<string, string[]>, name: string, text: string): void {
  const texts = given.get(name);
  if (texts === undefined) given.set(name, [text]);
  else texts.push(text);
}

function parseValue(name: string, spec: FlagSpec, texts: readonly string[]): ValueByType[keyof ValueByType] {
  const text = texts.at(-1) ?? "";
  try {
    if (spec.choices !== undefined && !spec.choices.includes(text)) {
      throw new values.FlagValueError(`want one of ${spec.choices.join(", ")}, got ${JSON.stringify(text)}`);
    }
    const value = parseText(spec, text, texts);
    if (typeof value === "number" && (value < (spec.min ?? -Infinity) || value > (spec.max ?? Infinity))) {
      const range =
        spec.max === undefined ? `at least ${printBound(spec)}` : `a value from ${spec.min ?? "-∞"} to ${spec.max}`;
      throw new values.FlagValueError(`want ${range}, got ${JSON.stringify(text)}`);
    }
    return value;
  } catch (error) {
    throw asFlagError(name, error);
  }
}

function printBound({ type, min }: FlagSpec): string {
  return type === "retention" ? `${(min as number) / 86_400_000}d` : String(min);
}

function parseText(spec: FlagSpec, text: string, texts: readonly string[]): ValueByType[keyof ValueByType] {
  switch (spec.type) {
    case "bool":
      return values.parseBool(text);
    case "int":
      return values.parseInteger(text);
    case "float":
      return values.parseFloatText(text);
    case "string":
      return text;
    case "duration":
      return values.parseFlagDuration(text);
    case "retention":
      return values.parseRetention(text);
    case "age":
      return values.parseAge(text);
    case "size":
      return values.parseSize(text);
    case "array":
      return texts.flatMap((item) => values.parseList(item));
    case "secret":
      return new Secret(text);
  }
}

function asFlagError(name: string, error: unknown): unknown {
  return error instanceof values.FlagValueError ? new FlagError(`flag -${name}: ${error.message}`) : error;
}

/** The flag that was probably meant; "" when none is near. */
export function nearestName(name: string, names: readonly string[]): string {
  const wanted = name.toLowerCase();
  let best = "";
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const lower = candidate.toLowerCase();
    // A forgotten group (`-latencyOffset` for `-search.latencyOffset`) is nearer than any typing error.
    const distance = lower.endsWith(`.${wanted}`) ? 0.5 : editDistance(wanted, lower);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance: inserted, deleted and replaced characters. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
