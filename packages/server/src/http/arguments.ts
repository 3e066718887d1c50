/**
 * Arguments of a request: those of the URL and, where a route takes forms, those of the body.
 * As in VictoriaMetrics a body's argument is asked first (Go's FormValue), except where security rests on the URL's.
 */
import { InputError } from "@nyanza/tsdb";

export class RequestArguments {
  readonly #url: URLSearchParams;
  readonly #form: URLSearchParams | null;

  constructor(url: URLSearchParams, form: URLSearchParams | null = null) {
    this.#url = url;
    this.#form = form;
  }

  /** First value, the body's before the URL's; "" when there is none. */
  get(name: string): string {
    return this.#form?.get(name) ?? this.#url.get(name) ?? "";
  }

  /** All values, the body's before the URL's. */
  getAll(name: string): string[] {
    return [...(this.#form?.getAll(name) ?? []), ...this.#url.getAll(name)];
  }

  /** All values, only the URL's if it has any: a proxy that adds a filter to the URL cannot be overruled by the body. */
  getEnforced(name: string): string[] {
    const enforced = this.#url.getAll(name);
    return enforced.length > 0 ? enforced : (this.#form?.getAll(name) ?? []);
  }

  /** False for none, "", 0, f, false and no in any case; true for everything else. */
  getBool(name: string): boolean {
    return !["", "0", "f", "false", "no"].includes(this.get(name).toLowerCase());
  }

  /** @throws InputError 400 unless it is a whole number or absent. */
  getInteger(name: string, absent = 0): number {
    const text = this.get(name);
    if (text === "") return absent;
    const value = /^[+-]?\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(value)) throw new InputError(`argument ${name}: want a whole number, got ${quote(text)}`);
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  }
}

/** For messages: quoted, and short however long the argument was. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
