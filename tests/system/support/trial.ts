/**
 * Trials are system tests in two sizes: one that CI has time for, and a deep one that is run now and then by `npm run trials`,
 * which gathers what each of them reports into a table.
 */

/** The size of a trial: what the environment says, or CI's. */
export function sizeOf(variable: string, inCi: number): number {
  const text = process.env[variable];
  if (text === undefined || text === "") return inCi;
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1) throw new Error(`${variable}: want a whole number from 1 on, got ${text}`);
  return size;
}

/** Generous enough for what may be thousands of rounds; CI's own limit a file is in tools/test-system.ts. */
export const trialMsMax: number = 4 * 3_600_000;

/** A line of the table. tools/trials.ts looks for these words. */
export function report(trial: string, size: string, outcome: string): void {
  console.log(`trial: ${trial} | ${size} | ${outcome}`);
}

/** Says where a long trial is, every so often and only to somebody who watches. */
export function progress(what: string, done: number, size: number): void {
  if (process.env["NYANZA_PROGRESS"] === undefined || done % Math.ceil(size / 20) !== 0) return;
  console.log(`${what}: ${done} of ${size}`);
}
