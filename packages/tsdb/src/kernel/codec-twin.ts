/**
 * The block codec in TypeScript: the specification of kernels/codec.ts, and what runs when wasm is missing. Both write the
 * same bytes, which a property test holds them to.
 */
export { decodeColumnTwin } from "./codec-twin-decode.ts";
export { encodeColumnTwin } from "./codec-twin-encode.ts";
