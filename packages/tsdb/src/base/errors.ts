/**
 * The three kinds of error, told apart by `code`:
 * our mistake (BugError), bytes on disk that are not what we wrote (CorruptionError), and
 * the caller's mistake (InputError). More specific ones are defined where they are thrown.
 */

/** Our mistake: an invariant does not hold. Never thrown because of what a caller sent. */
export class BugError extends Error {
  readonly code: "BUG" = "BUG";
}

/** Our mistake if `ok` is false. Messages are static: a passing check then costs nothing. */
export function assert(ok: boolean, message: string): asserts ok {
  if (!ok) throw new BugError(message);
}

/** Bytes on disk are not what we wrote. Names the file and the offset; nobody guesses what they meant. */
export class CorruptionError extends Error {
  readonly code: "CORRUPT" = "CORRUPT";
  readonly path: string;
  /** Offset in bytes from the start of the file. */
  readonly offset: number;

  constructor(path: string, offset: number, message: string) {
    super(`${path}: at byte ${offset}: ${message}`);
    this.path = path;
    this.offset = offset;
  }
}

/**
 * The caller's mistake: it has an HTTP status and, for texts, a place. Never logged as ours.
 * 400 for what cannot be understood, 422 for what cannot be carried out.
 */
export class InputError extends Error {
  readonly code: "INPUT" = "INPUT";
  /** HTTP status, 400 unless said otherwise. */
  readonly status: number;
  /** 1-based line and column in the caller's text; 0 when there is none. */
  readonly line: number;
  readonly column: number;

  constructor(message: string, status = 400, line = 0, column = 0) {
    super(message);
    this.status = status;
    this.line = line;
    this.column = column;
  }
}
