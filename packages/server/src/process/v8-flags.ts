/**
 * How eagerly V8 compiles and collects. Both are tuned for pages that live for seconds and should be small; a server of hours has other wishes.
 */
import { setFlagsFromString } from "node:v8";

/** Bytes of bytecode that a function runs through before V8 looks whether it should be optimized: its own value. */
const INTERRUPT_BUDGET = 67_584;

/** Of what is alive, so much garbage may gather, memory outside of the heap included, before the next collection of all. */
const HEAP_GROWING_PERCENT = 100;

/** To be called first: what has happened before has happened as ever. V8 reads these flags whenever it needs them, so they may change while running. */
export function tuneV8(): void {
  compileLater();
  // The heap of a server that takes bodies in is small and they are not in it: V8's own limit has all of it marked for every few dozen bodies: docs/decisions/0016-collecting-later.md
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
}

/** The optimizing compiler takes up what is really hot a moment later, and what a server does once in an hour, not at all: docs/decisions/0009-compiling-later.md */
export function compileLater(): void {
  setFlagsFromString(`--interrupt-budget=${12 * INTERRUPT_BUDGET}`);
}

/** For a warm-up, and once there are questions: small ones go through much code and little of it often, and would be at half speed for thousands of calls. */
export function compileSooner(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}

/**
 * To be called before anything becomes hot, on every thread. Buffers that Node's own C++ makes, as node:http does of bodies, are byte arrays that are given another prototype. When that
 * happens for the first time V8 learns that byte arrays may change so, and drops all optimized code that handles them: better now than with the first body.
 */
export function settleBuffers(): void {
  Object.setPrototypeOf(new Uint8Array(0), Buffer.prototype);
}
