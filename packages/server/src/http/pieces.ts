/**
 * Memory for answers on their way out. Allocating a piece for every answer costs more than filling it: memory outside of
 * JavaScript's heap makes the garbage collector run all the time. So pieces go round:
 *
 *   takePiece() → filled by a writer → handed to the socket → givePiece() once the system has its bytes
 *
 * A piece that is not given back (its client went away, its writer threw) is collected like anything else.
 */

/** A streamed answer leaves as soon as this many bytes are there. */
export const PIECE_BYTES: number = 64 << 10;
/** Room behind that, for what is written between two looks at the length. */
const PIECE_ROOM_BYTES = 128 << 10;
/** What waits for its next use: 2 MB. */
const IDLE_PIECES_MAX = 16;

const idle: ArrayBuffer[] = [];

/** A piece of its own, not zeroed. */
export function takePiece(): Buffer {
  return Buffer.from(idle.pop() ?? Buffer.allocUnsafeSlow(PIECE_ROOM_BYTES).buffer);
}

/** Takes back the memory behind `piece`, which nobody may touch any more. Memory of other origin is left alone. */
export function givePiece(piece: Buffer): void {
  const { buffer } = piece;
  if (buffer.byteLength === PIECE_ROOM_BYTES && idle.length < IDLE_PIECES_MAX) idle.push(buffer as ArrayBuffer);
}
