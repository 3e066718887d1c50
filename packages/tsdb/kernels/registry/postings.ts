// @ts-nocheck
// Ascending lists of slots. A list of one, the most frequent by far, is a number in the word that stands for the list; a longer one is
// a header and chunks of differences as varints.
//
//   word      0 no slot · odd: the only slot, shifted left by one · even: address of a header
//   header    u32 slots · u32 last slot · u32 first chunk · u32 last chunk
//   chunk     u32 next chunk · u16 bytes used · u16 bytes there are · bytes
import { allocate, readEnd, readVarint, writeVarint } from "./memory";

const FIRST_BYTES: u32 = 16;
const BYTES_MAX: u32 = 1008;
const VARINT_MAX: u32 = 5;
/** The most that adding to a list allocates. */
export const LIST_GROWTH: u32 = 16 + 8 + BYTES_MAX + 16;

/** Adds a slot above all before to the list in the word at `word`. There must be memory: see LIST_GROWTH. */
export function addSlot(word: usize, slot: u32): void {
  const list = load<u32>(word);
  if (list == 0) {
    store<u32>(word, (slot << 1) | 1);
    return;
  }
  let header = <usize>list;
  if ((list & 1) == 1) {
    header = allocate(16);
    const chunk = makeChunk(FIRST_BYTES);
    store<u32>(header, <u32>chunk, 8);
    store<u32>(header, <u32>chunk, 12);
    addStep(header, list >> 1);
    store<u32>(word, <u32>header);
  }
  addStep(header, slot);
}

function makeChunk(bytes: u32): usize {
  const chunk = allocate(8 + bytes);
  store<u16>(chunk, <u16>bytes, 6);
  return chunk;
}

function addStep(header: usize, slot: u32): void {
  let chunk = <usize>load<u32>(header, 12);
  let used = <u32>load<u16>(chunk, 4);
  const room = <u32>load<u16>(chunk, 6);
  if (used + VARINT_MAX > room) {
    const next = makeChunk(min<u32>(room << 1, BYTES_MAX));
    store<u32>(chunk, <u32>next);
    store<u32>(header, <u32>next, 12);
    chunk = next;
    used = 0;
  }
  const end = writeVarint(chunk + 8 + used, slot - load<u32>(header, 4));
  store<u16>(chunk, <u16>(end - chunk - 8), 4);
  store<u32>(header, load<u32>(header) + 1);
  store<u32>(header, slot, 4);
}

export function countSlots(word: usize): u32 {
  const list = load<u32>(word);
  return list == 0 ? 0 : (list & 1) == 1 ? 1 : load<u32>(<usize>list);
}

/** All slots of a list as u32 from `target` on. */
export function copySlots(word: usize, target: usize): void {
  const list = load<u32>(word);
  if (list == 0) return;
  if ((list & 1) == 1) {
    store<u32>(target, list >> 1);
    return;
  }
  let slot: u32 = 0;
  for (let chunk = <usize>load<u32>(<usize>list, 8); chunk != 0; chunk = <usize>load<u32>(chunk)) {
    const end = chunk + 8 + <usize>load<u16>(chunk, 4);
    for (let at = chunk + 8; at < end; at = readEnd) {
      slot += readVarint(at);
      store<u32>(target, slot);
      target += 4;
    }
  }
}
