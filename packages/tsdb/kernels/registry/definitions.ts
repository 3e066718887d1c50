// @ts-nocheck
// Definitions for the log.
//
// docs/format/wal.md has the bytes: whatever a series refers to and no other of the same record did goes before it.

import {
  copyShort,
  copyText,
  LABEL_BYTES,
  labelAddress,
  labels,
  PAIR_BYTES,
  pairAddress,
  pairs,
  recordAddress,
  tenantAddress,
} from "./entries";
import { done } from "./keys";
import { allocate, pageOf, readEnd, readVarint, writeVarint, zigzag } from "./memory";

/** A bit for each of a page's 1,024 entries, behind them: whether the record at hand defines it. */
export const DEFINED_BYTES: u32 = 128;
/** Pairs that a record defines are noted up to this many: of more, all of the record's series are gone through again. */
const NOTED_PAIRS: u32 = 2048;

const DEFINE_LABEL: u8 = 1;
const DEFINE_PAIR: u8 = 2;
const DEFINE_SERIES: u8 = 3;

let noted: usize = 0;
let notedCount: u32 = 0;

export function startDefinitions(): void {
  noted = allocate(NOTED_PAIRS << 2);
}

function bitsOf(array: usize, index: u32, bytes: u32): usize {
  return pageOf(array, index) + ((<usize>bytes) << 10) + <usize>((index >> 3) & 127);
}

function isDefined(array: usize, index: u32, bytes: u32): bool {
  return ((load<u8>(bitsOf(array, index, bytes)) >> (index & 7)) & 1) != 0;
}

function setDefined(array: usize, index: u32, bytes: u32): void {
  const at = bitsOf(array, index, bytes);
  store<u8>(at, load<u8>(at) | <u8>((<u32>1) << (index & 7)));
}

/** Notes that the record at hand defines a pair. */
function setPairDefined(pair: u32): void {
  setDefined(pairs, pair, PAIR_BYTES);
  if (notedCount < NOTED_PAIRS) store<u32>(noted + ((<usize>notedCount) << 2), pair);
  notedCount++;
}

/** The next record defines everything anew. */
function forgetDefined(slots: usize, count: u32): void {
  const notedNow = notedCount;
  notedCount = 0;
  if (notedNow <= NOTED_PAIRS) {
    for (let i: u32 = 0; i < notedNow; i++) forgetPair(load<u32>(noted + ((<usize>i) << 2)));
    return;
  }
  for (let i: u32 = 0; i < count; i++) {
    let left = readVarint(recordAddress(load<u32>(slots + ((<usize>i) << 2))));
    for (let next = readEnd; left > 0; left--) {
      const pair = readVarint(next);
      next = readEnd;
      forgetPair(pair);
    }
  }
}

function forgetPair(pair: u32): void {
  // Whole bytes: whatever else they say is of this record as well.
  store<u8>(bitsOf(pairs, pair, PAIR_BYTES), 0);
  store<u8>(bitsOf(labels, load<u32>(pairAddress(pair), 4), LABEL_BYTES), 0);
}

/** Definitions of series; stops, returns and tells `done` as writeKeys does. */
export function define(slots: usize, count: u32, target: usize, room: u32): u32 {
  let at = target;
  let slotBefore: u32 = 0;
  let pairBefore: u32 = 0;
  for (done = 0; done < count; done++) {
    const slot = load<u32>(slots + ((<usize>done) << 2));
    const record = recordAddress(slot);
    const pairsOfIt = readVarint(record);
    const first = readEnd;
    let needed: u32 = 11 + 5 * pairsOfIt;
    let missing: u32 = 0;
    let next = first;
    for (let left = pairsOfIt; left > 0; left--) {
      const pair = readVarint(next);
      next = readEnd;
      if (isDefined(pairs, pair, PAIR_BYTES)) continue;
      missing++;
      const entry = pairAddress(pair);
      needed += 21 + readVarint(<usize>load<u32>(entry));
      const label = load<u32>(entry, 4);
      if (!isDefined(labels, label, LABEL_BYTES)) needed += 21 + readVarint(<usize>load<u32>(labelAddress(label)));
    }
    if (<u32>(at - target) + needed > room) {
      if (done == 0) return needed;
      break;
    }
    // Behind the last pair that is to be defined only the end of the record is wanted, which is known by now.
    const recordEnd = next;
    next = first;
    for (let left = missing; left > 0; ) {
      const pair = readVarint(next);
      next = readEnd;
      if (isDefined(pairs, pair, PAIR_BYTES)) continue;
      left--;
      const entry = pairAddress(pair);
      const label = load<u32>(entry, 4);
      if (!isDefined(labels, label, LABEL_BYTES)) {
        const own = labelAddress(label);
        const tenant = tenantAddress(load<u32>(own, 4));
        store<u8>(at, DEFINE_LABEL);
        at = writeVarint(at + 1, label);
        at = writeVarint(at, load<u32>(tenant));
        at = writeVarint(at, load<u32>(tenant, 4));
        at = copyText(<usize>load<u32>(own), at);
        setDefined(labels, label, LABEL_BYTES);
      }
      store<u8>(at, DEFINE_PAIR);
      at = writeVarint(at + 1, zigzag(<i32>(pair - pairBefore)));
      pairBefore = pair;
      at = writeVarint(at, label);
      at = copyText(<usize>load<u32>(entry), at);
      setPairDefined(pair);
    }
    store<u8>(at, DEFINE_SERIES);
    at = writeVarint(at + 1, zigzag(<i32>(slot - slotBefore)));
    slotBefore = slot;
    // The record as it stands: how many pairs, and their numbers.
    copyShort(at, record, recordEnd - record);
    at += recordEnd - record;
  }
  forgetDefined(slots, done);
  return <u32>(at - target);
}
