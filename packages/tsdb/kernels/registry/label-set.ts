// @ts-nocheck
// A label set as its sender wrote it, put in order.
import { allocate, readEnd, readVarint } from "./memory";

// How labels come: see src/kernel/label-store.ts.
const FORM_ROWS: u32 = 1;
const FORM_PROTOBUF: u32 = 2;

// Why labels are no series.
const NO_LABELS: i32 = -1;
const DUPLICATE_NAME: i32 = -2;
const EMPTY_NAME: i32 = -3;
/** No memory is left. */
export const FULL: i32 = -4;
const UNSORTED: i32 = -5;

/** Steps of sorting that a label set may take here: more, and the caller sorts. */
const SORT_STEPS_MAX: u32 = 2048;
const TERMS_MIN: u32 = 64;
export const TERM_BYTES: u32 = 16;

/** Labels of the series at hand: u32 name, u32 its length, u32 value, u32 its length; behind them there is room for their pairs. */
export let terms: usize = 0;
let termRoom: u32 = 0;

/** Where the pairs of the series at hand go, as u32. */
export function numbersAt(): usize {
  return terms + <usize>termRoom * TERM_BYTES;
}

/** Labels into `terms`: sorted, without empty values. Returns how many. */
export function readLabels(lo: usize, hi: usize, form: u32): i32 {
  let count: u32 = 0;
  let steps: u32 = 0;
  let at = lo;
  while (at < hi) {
    if (count == termRoom && !growTerms(count)) return FULL;
    let name: usize = 0;
    let nameBytes: u32 = 0;
    let value: usize = 0;
    let valueBytes: u32 = 0;
    if (form == FORM_ROWS) {
      nameBytes = load<u32>(at);
      valueBytes = load<u32>(at, 4);
      name = at + 8;
      value = name + nameBytes;
      at = value + valueBytes;
    } else if (form == FORM_PROTOBUF) {
      readVarint(at);
      const bytes = readVarint(readEnd);
      at = readEnd;
      const end = at + bytes;
      while (at < end) {
        const tag = readVarint(at);
        at = readEnd;
        const type = tag & 7;
        if (type == 2) {
          const length = readVarint(at);
          at = readEnd;
          // As in protobuf, the last of several counts.
          if (tag >> 3 == 1) {
            name = at;
            nameBytes = length;
          } else if (tag >> 3 == 2) {
            value = at;
            valueBytes = length;
          }
          at += length;
        } else if (type == 0) {
          while (load<u8>(at) >= 0x80) at++;
          at++;
        } else at += type == 1 ? 8 : 4;
      }
    } else {
      nameBytes = readVarint(at);
      name = readEnd;
      valueBytes = readVarint(name + nameBytes);
      value = readEnd;
      at = value + valueBytes;
    }
    if (form == FORM_ROWS || form == FORM_PROTOBUF) {
      if (nameBytes == 0) return EMPTY_NAME;
      if (valueBytes == 0) continue;
      // "__na", "me__"
      if (nameBytes == 8 && load<u32>(name) == 0x616e5f5f && load<u32>(name, 4) == 0x5f5f656d) nameBytes = 0;
    }
    // To its place among those before, which are in order.
    let place = count++;
    for (; place > 0; place--) {
      const before = terms + <usize>(place - 1) * TERM_BYTES;
      if (compareBytes(<usize>load<u32>(before), load<u32>(before, 4), name, nameBytes) <= 0) break;
      memory.copy(before + TERM_BYTES, before, TERM_BYTES);
      if (++steps > SORT_STEPS_MAX) return UNSORTED;
    }
    const term = terms + <usize>place * TERM_BYTES;
    store<u32>(term, <u32>name);
    store<u32>(term, nameBytes, 4);
    store<u32>(term, <u32>value, 8);
    store<u32>(term, valueBytes, 12);
  }
  if (count == 0) return NO_LABELS;
  for (let i: u32 = 1; i < count; i++) {
    const term = terms + <usize>i * TERM_BYTES;
    const bytes = load<u32>(term, 4);
    if (load<u32>(term - TERM_BYTES, 4) != bytes) continue;
    if (memory.compare(<usize>load<u32>(term - TERM_BYTES), <usize>load<u32>(term), bytes) == 0) return DUPLICATE_NAME;
  }
  return <i32>count;
}

function growTerms(count: u32): bool {
  const room = max<u32>(TERMS_MIN, termRoom << 1);
  const larger = allocate(<usize>room * (TERM_BYTES + 4));
  if (larger == 0) return false;
  memory.copy(larger, terms, <usize>count * TERM_BYTES);
  terms = larger;
  termRoom = room;
  return true;
}

function compareBytes(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const order = memory.compare(a, b, min<u32>(aBytes, bBytes));
  return order != 0 ? order : aBytes < bBytes ? -1 : aBytes > bBytes ? 1 : 0;
}
