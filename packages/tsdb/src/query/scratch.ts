/**
 * Columns for the length of one synchronous piece of work, which all queries of a thread use in turn: nobody else runs meanwhile, and whoever comes next
 * writes before reading. A query would otherwise make its own anew, as long as its longest series.
 */

/** Longer columns are made for whoever needs one and forgotten. */
const KEPT_SAMPLES_MAX = 1 << 18;

export class Scratch {
  private kept: Float64Array = new Float64Array(64);

  /** At least `count` slots of any content, the caller's until it awaits or asks again. */
  column(count: number): Float64Array {
    if (count <= this.kept.length) return this.kept;
    const column = new Float64Array(Math.max(count, Math.min(2 * this.kept.length, KEPT_SAMPLES_MAX)));
    if (column.length <= KEPT_SAMPLES_MAX) this.kept = column;
    return column;
  }
}
