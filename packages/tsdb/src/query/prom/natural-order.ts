/** Texts in the order people expect: `cpu2` before `cpu10`. */

/**
 * Runs of digits compare as the numbers they are, however long; anything between them as text. Equal only for equal texts: `01` and `1`
 * differ, by their plain order, if nothing behind them does.
 */
export function compareNatural(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const endA = endOfRun(a, i);
    const endB = endOfRun(b, j);
    const runA = a.slice(i, endA);
    const runB = b.slice(j, endB);
    const areNumbers = isDigit(a, i) && isDigit(b, j);
    const order = areNumbers ? compareDigits(runA, runB) : compareText(runA, runB);
    if (order !== 0) return order;
    i = endA;
    j = endB;
  }
  return i < a.length ? 1 : j < b.length ? -1 : compareText(a, b);
}

/** End of the digits, or of what is none, at `start`. */
function endOfRun(text: string, start: number): number {
  const digits = isDigit(text, start);
  let end = start + 1;
  while (end < text.length && isDigit(text, end) === digits) end++;
  return end;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** Without leading zeros, the longer number is the larger one. */
function compareDigits(a: string, b: string): number {
  const x = withoutZeros(a);
  const y = withoutZeros(b);
  return x.length - y.length || compareText(x, y);
}

function withoutZeros(digits: string): string {
  let start = 0;
  while (start < digits.length - 1 && digits.charCodeAt(start) === 48) start++;
  return digits.slice(start);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
