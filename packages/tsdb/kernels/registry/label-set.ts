// @ts-nocheck
// A label set as its sender wrote it, put in order.
import { isText, labelAddress } from "./entries";
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
const TOO_LARGE: i32 = -6;

/** Steps of sorting that a label set may take here: more, and the caller sorts. */
const SORT_STEPS_MAX: u32 = 2048;
/** Name and value of a label in protobuf, both with their length behind. */
const NAME_TAG: u32 = 0x0a;
const VALUE_TAG: u32 = 0x12;
const TERMS_MIN: u32 = 64;
export const TERM_BYTES: u32 = 20;
const USUAL_LABELS: u32 = 64;
/** In a usual label: its name comes behind that of the one before. */
const BEHIND: u32 = 0x8000_0000;

/** Labels of the series at hand: u32 name, u32 its length, u32 value, u32 its length, u32 number + 1 or 0; behind them there is room for their pairs. */
export let terms: usize = 0;
let termRoom: u32 = 0;
/** Number + 1 of the label that stood at each place of the series before: the next one's are nearly always the same, and then in the same order. */
let usual: usize = 0;
/** What a label set that a sender wrote may have. */
let labelsMax: u32 = 0xffff_ffff;
let nameBytesMax: u32 = 0xffff_ffff;
let valueBytesMax: u32 = 0xffff_ffff;

export function setSizes(labels: u32, nameBytes: u32, valueBytes: u32): void {
  labelsMax = labels;
  nameBytesMax = nameBytes;
  valueBytesMax = valueBytes;
}

export function startLabelSet(): void {
  usual = allocate(USUAL_LABELS << 2);
}

function isLabel(label: u32, tenant: u32, at: usize, length: u32): bool {
  const entry = labelAddress(label);
  return load<u32>(entry, 4) == tenant && isText(<usize>load<u32>(entry), at, length);
}

/** Notes what label stands at a place of the series at hand; those of the places before it are noted. */
export function setUsual(place: u32, label: u32): void {
  if (place >= USUAL_LABELS) return;
  const at = usual + ((<usize>place) << 2);
  const before = load<u32>(at);
  const now = (label + 1) | BEHIND;
  if (before == now) return;
  store<u32>(at, now);
  if ((before | BEHIND) != now && place + 1 < USUAL_LABELS) store<u32>(at, load<u32>(at, 4) & ~BEHIND, 4);
}

/** Where the pairs of the series at hand go, as u32. */
export function numbersAt(): usize {
  return terms + <usize>termRoom * TERM_BYTES;
}

/** Labels into `terms`: sorted, without empty values. Returns how many. */
export function readLabels(tenant: u32, lo: usize, hi: usize, form: u32): i32 {
  let count: u32 = 0;
  /** The last label is the usual one of its place. */
  let isUsual = true;
  let isTwice = false;
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
      // As everyone writes it: tag and length of the name, name, tag and length of the value, value.
      const short = <u32>load<u8>(at, 1);
      if (load<u8>(at) == NAME_TAG && short < 0x80 && short + 4 <= bytes) {
        const behind = at + 2 + short;
        const shortValue = <u32>load<u8>(behind, 1);
        if (load<u8>(behind) == VALUE_TAG && shortValue < 0x80 && behind + 2 + shortValue == end) {
          name = at + 2;
          nameBytes = short;
          value = behind + 2;
          valueBytes = shortValue;
          at = end;
        }
      }
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
      if (count == labelsMax || nameBytes > nameBytesMax || valueBytes > valueBytesMax) return TOO_LARGE;
      // "__na", "me__"
      if (nameBytes == 8 && load<u32>(name) == 0x616e5f5f && load<u32>(name, 4) == 0x5f5f656d) nameBytes = 0;
    }
    // To its place among those before, which are in order.
    let place = count;
    const expected = place < USUAL_LABELS ? load<u32>(usual + ((<usize>place) << 2)) : 0;
    const isExpected = expected != 0 && isLabel((expected & ~BEHIND) - 1, tenant, name, nameBytes);
    if (!isUsual || !isExpected || (expected & BEHIND) == 0) {
      for (; place > 0; place--) {
        const before = terms + <usize>(place - 1) * TERM_BYTES;
        const order = compareBytes(<usize>load<u32>(before), load<u32>(before, 4), name, nameBytes);
        if (order == 0) isTwice = true;
        if (order <= 0) break;
        memory.copy(before + TERM_BYTES, before, TERM_BYTES);
        if (++steps > SORT_STEPS_MAX) return UNSORTED;
      }
    }
    isUsual = isExpected && place == count;
    count++;
    const term = terms + <usize>place * TERM_BYTES;
    store<u32>(term, <u32>name);
    store<u32>(term, nameBytes, 4);
    store<u32>(term, <u32>value, 8);
    store<u32>(term, valueBytes, 12);
    store<u32>(term, isExpected ? expected & ~BEHIND : 0, 16);
  }
  return isTwice ? DUPLICATE_NAME : count == 0 ? NO_LABELS : <i32>count;
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
