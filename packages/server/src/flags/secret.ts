/**
 * A password or key given by a flag. `file:///path` names a file that is read again every two seconds,
 * so that a rotated secret is taken up without a restart. The text never reaches logs, /flags or /metrics.
 */
import { readFileSync } from "node:fs";
import { FlagValueError } from "./values.ts";

const REREAD_MS = 2000;

export class Secret {
  readonly #path: string;
  #value: string;
  #readAtMs = 0;

  /** @throws FlagValueError if a named file cannot be read: better at the start than at the first login. */
  constructor(text: string) {
    if (/^https?:\/\//.test(text)) {
      throw new FlagValueError("secrets by URL are not supported, want file:///path or the secret itself");
    }
    this.#path = text.startsWith("file://") ? text.slice("file://".length) : "";
    this.#value = this.#path === "" ? text : "";
    if (this.#path !== "") {
      try {
        this.#value = readSecret(this.#path);
        this.#readAtMs = Date.now();
      } catch (error) {
        throw new FlagValueError(`cannot read the secret's file: ${(error as Error).message}`);
      }
    }
  }

  /** The current secret; "" when the flag is not set. Keeps the last good one while its file cannot be read. */
  get(nowMs: number = Date.now()): string {
    if (this.#path !== "" && nowMs - this.#readAtMs >= REREAD_MS) {
      this.#readAtMs = nowMs;
      try {
        this.#value = readSecret(this.#path);
      } catch {
        // The file is being replaced: the old secret stays in force until the new one can be read.
      }
    }
    return this.#value;
  }

  toString(): string {
    return "secret";
  }

  toJSON(): string {
    return "secret";
  }
}

/** Trailing white space is the editor's, not the secret's. */
function readSecret(path: string): string {
  return readFileSync(path, "utf8").trimEnd();
}
