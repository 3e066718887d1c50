/** What came of parsing a body or a chunk of one: parsers do not stop at what they cannot use, they count it. */
export class ParseReport {
  /** Samples that went into the batch. */
  rows = 0;
  /** Lines or points that were refused because they are malformed. */
  invalidRows = 0;
  /** Says of the first refused one where it was, what came and what was wanted; "" when none was refused. */
  firstError = "";
  /** Well-formed but unusable pieces, by reason: kinds of data that have no place here, points without a value. */
  readonly skipped: Map<string, number> = new Map();

  /** Counts one malformed row. `message` is kept if it is the first: build it only when `needsError` says so. */
  addInvalid(message: string): void {
    this.invalidRows++;
    if (this.firstError === "") this.firstError = message;
  }

  get needsError(): boolean {
    return this.firstError === "";
  }

  addSkipped(reason: string, count = 1): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + count);
  }

  /** Adds the counts of a later chunk of the same body to these. */
  add(later: ParseReport): void {
    this.rows += later.rows;
    this.invalidRows += later.invalidRows;
    if (this.firstError === "") this.firstError = later.firstError;
    for (const [reason, count] of later.skipped) this.addSkipped(reason, count);
  }
}

/** At most `bytesMax` bytes of a sender's text as it may be shown in a message or a log: one line, no control characters. */
export function excerpt(bytes: Uint8Array, lo: number, hi: number, bytesMax = 60): string {
  const shownHi = Math.min(hi, lo + bytesMax);
  const text = decoder.decode(bytes.subarray(lo, shownHi));
  // JSON leaves DEL, the C1 controls and Unicode's line ends alone; a log must not.
  const safe = JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return safe + (shownHi < hi ? "…" : "");
}

const decoder = new TextDecoder();
