/**
 * The stale marker: the NaN by which Prometheus' senders say that a series has ended. Told from other NaNs by its bits
 * alone, so it has to travel as bytes: JavaScript may change a NaN's bits whenever a number passes through its hands.
 *
 * Source: StaleNaN in prometheus/model/value: 0x7ff0000000000002.
 */

/** The marker's 8 bytes, little-endian: `batch.addSampleBits(timestampMs, STALE_NAN_BYTES, 0)`. Do not write to it. */
export const STALE_NAN_BYTES: Uint8Array = Uint8Array.of(0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f);
/** The marker's low and high 32 bits, to compare with what a Uint32Array over values holds. */
export const STALE_NAN_LOW = 0x00000002;
export const STALE_NAN_HIGH = 0x7ff00000;

/** Writes the marker's bytes to `target[offset..offset+8)`. */
export function encodeStaleMarker(target: Uint8Array, offset: number): void {
  target.set(STALE_NAN_BYTES, offset);
}

/** Whether value `i` of a column is a stale marker; `words` is a Uint32Array over the column's buffer range. */
export function isStaleMarker(words: Uint32Array, i: number): boolean {
  return words[2 * i] === STALE_NAN_LOW && words[2 * i + 1] === STALE_NAN_HIGH;
}
