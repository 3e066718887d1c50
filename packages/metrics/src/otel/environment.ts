/**
 * `OTEL_*` variables by OpenTelemetry's rules: an empty value is as good as none, and one that makes no sense is reported and
 * then ignored. A typing mistake in a deployment must not stop an application.
 */

export type Variables = Readonly<Record<string, string | undefined>>;

export class Environment {
  readonly #variables: Variables;
  readonly #warn: (message: string) => void;

  /** `warn` gets a message for each value that is ignored; it must not throw. */
  constructor(variables: Variables, warn: (message: string) => void) {
    this.#variables = variables;
    this.#warn = warn;
  }

  /** Without white space round it; undefined when empty. */
  text(name: string): string | undefined {
    const value = this.#variables[name]?.trim();
    return value === "" ? undefined : value;
  }

  /** "true" in any case is true. */
  flag(name: string): boolean {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined || value === "false") return false;
    if (value === "true") return true;
    this.#ignore(name, "true or false");
    return false;
  }

  /** A whole number in [lo, hi]. */
  integer(name: string, lo: number, hi: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= lo && number <= hi) return number;
    return this.#ignore(name, `a whole number from ${lo} to ${hi}`);
  }

  /** One of `words`, in any case. */
  word<W extends string>(name: string, words: readonly W[]): W | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return words.find((word) => word === value.toLowerCase()) ?? this.#ignore(name, `one of ${words.join(", ")}`);
  }

  /** Those of a comma-separated list that are in `words`; undefined when the variable is not set. */
  wordList<W extends string>(name: string, words: readonly W[]): W[] | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found: W[] = [];
    for (const item of value.split(",").map((text) => text.trim().toLowerCase())) {
      const word = words.find((known) => known === item);
      if (word !== undefined) found.push(word);
      else if (item !== "") this.#ignore(name, `a list of ${words.join(", ")}`);
    }
    return found;
  }

  /** An http or https URL. */
  url(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return isHttpUrl(value) ? value : this.#ignore(name, "a URL such as http://127.0.0.1:4318");
  }

  /** `key=value,key=value`, percent-decoded. One bad pair spoils the whole value, as the specification wants it. */
  pairs(name: string): ReadonlyMap<string, string> {
    const pairs = new Map<string, string>();
    for (const item of (this.text(name) ?? "").split(",")) {
      if (item.trim() === "") continue;
      const equals = item.indexOf("=");
      const key = decode(item.slice(0, Math.max(equals, 0)));
      const value = decode(item.slice(equals + 1));
      if (!key || value === null) {
        this.#ignore(name, "key=value pairs between commas, percent-encoded");
        return new Map();
      }
      pairs.set(key, value);
    }
    return pairs;
  }

  #ignore(name: string, wanted: string): undefined {
    // Names only headers hold: their values are secrets.
    const got = name.endsWith("HEADERS") ? "something else" : JSON.stringify(this.text(name)?.slice(0, 200));
    this.#warn(`environment variable ${name}: want ${wanted}, got ${got}; ignored`);
    return undefined;
  }
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return null;
  }
}
