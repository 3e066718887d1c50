/** Evals of Prometheus' scripts that the promql dialect does not pass, by file and line. One that passes must leave this list. */
export interface KnownLines {
  readonly reason: string;
  /** The evals have native histograms in their data or answer; the runner checks that. */
  readonly isNative?: true;
  readonly lines: Readonly<Record<string, readonly number[]>>;
}

export const KNOWN: readonly KnownLines[] = [];
