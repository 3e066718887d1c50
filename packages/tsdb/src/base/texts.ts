/** Texts as bytes, one behind the other: text `i` is `bytes[ends[i-1]..ends[i])`, `count` of them. Whoever has them does not change them. */
export interface Texts {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  readonly count: number;
}
