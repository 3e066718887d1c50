/**
 * Memory for whole bodies. A body comes in pieces and is wanted in one: to allocate that one anew for each of hundreds of bodies a second makes the garbage
 * collector run all the time, since memory outside of JavaScript's heap counts with what is in it.
 *
 *   takeBody() → filled with the pieces → parsed → giveBody() → the next body
 */

/** Sizes double, so that one that was given back serves most of those to come. */
const SMALLEST_BYTES = 64 << 10;
/** Larger ones are rare, and let go. */
const LARGEST_BYTES = 4 << 20;
/** What waits for its next use. */
const IDLE_BYTES_MAX = 8 << 20;

/** By size, the smallest first. */
const idle: ArrayBuffer[][] = [];
let idleBytes = 0;

/** Not zeroed. */
export function takeBody(bytes: number): Uint8Array {
  const size = sizeOf(bytes);
  const sizeBytes = SMALLEST_BYTES * 2 ** size;
  if (sizeBytes > LARGEST_BYTES) return Buffer.allocUnsafeSlow(bytes);
  const known = idle[size]?.pop();
  if (known === undefined) return Buffer.allocUnsafeSlow(sizeBytes).subarray(0, bytes);
  idleBytes -= sizeBytes;
  return Buffer.from(known, 0, bytes);
}

/** Takes back what `takeBody` gave. Nobody may read it any more. */
export function giveBody({ buffer }: Uint8Array): void {
  const bytes = buffer.byteLength;
  if (bytes > LARGEST_BYTES || idleBytes + bytes > IDLE_BYTES_MAX) return;
  idleBytes += bytes;
  const size = sizeOf(bytes);
  idle[size] ??= [];
  idle[size].push(buffer as ArrayBuffer);
}

/** Which of the sizes has room for so many bytes. */
function sizeOf(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / SMALLEST_BYTES)));
}
