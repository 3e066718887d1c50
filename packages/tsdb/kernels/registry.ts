// @ts-nocheck
// The registry's labels and series as numbers, in one linear memory that only grows and is dropped as a whole.
//
//   tenant ──► labels (names) ──► pairs (a name with a value) ──► series (a list of pairs: its record)
//
//   tenant, 24 bytes   u32 account · u32 project · u32 first label + 1 · u32 last label + 1 · u32 list of slots · u32 unused
//   label,  24 bytes   u32 text · u32 tenant · u32 next label of the tenant + 1 · u32 first pair + 1 · u32 last pair + 1 · u32 pairs
//   pair,   16 bytes   u32 text · u32 label · u32 next pair of the label + 1 · u32 list of slots
//   series,  4 bytes   u32 record
//
//   text               varint length, bytes; the label `__name__` is the empty text, as in series keys
//   record             varint pairs, their numbers as varints, in byte order of their labels' names
//
// Every text stands here once, and the lists are the index of the head: whatever a query asks about labels is answered from them.
// A series costs its record and one step in each of its lists; a value that no other series has costs its bytes and 30 more.
import { absorb, beginHash, finish } from "./hash/sip";
import { DEFINED_BYTES, startDefinitions } from "./registry/definitions";
import {
  addText,
  copyShort,
  isText,
  LABEL_BYTES,
  labelAddress,
  labels,
  PAIR_BYTES,
  pairAddress,
  pairs,
  recordAddress,
  SERIES_BYTES,
  series,
  startEntries,
  TENANT_BYTES,
  tenantAddress,
  tenants,
} from "./registry/entries";
import { FULL, numbersAt, readLabels, setUsual, startLabelSet, TERM_BYTES, terms } from "./registry/label-set";
import {
  allocate,
  allocateBytes,
  ensure,
  giveBack,
  makeEntry,
  readEnd,
  readVarint,
  stage,
  startMemory,
  top,
  writeVarint,
} from "./registry/memory";
import { startOwnKey } from "./registry/own-key";
import { addSlot, LIST_GROWTH } from "./registry/postings";
import { addSought, firstCandidate, NUMBER_MASK, nextCandidate, peek, startTable } from "./registry/table";

export { define } from "./registry/definitions";
export {
  copyPairSlots,
  copyTenantSlots,
  countPairSlots,
  countTenantSlots,
  labelAddress,
  pairAddress,
  recordAddress,
  tenantAddress,
  tenantOf,
} from "./registry/entries";
export { done, hashKeys, writeKeys, writePairs } from "./registry/keys";
export { setSizes } from "./registry/label-set";
export { scratch, stage } from "./registry/memory";

const LABEL: u32 = 1;
const PAIR: u32 = 2;
const SERIES: u32 = 3;

/** Pairs met lately are found without a keyed hash: by a few bytes of the value, in a table where a later one takes an earlier one's place. */
const MET_PAIRS_BITS: u32 = 13;
/** Series that are registered together at most, and the pairs that such a series may have: one with more is registered alone. */
const GROUP: u32 = 32;
const GROUPED_PAIRS: u32 = 62;
/** A series of a group: u32 labels, or why they are none; u32 hash; pairs. */
const GROUPED_BYTES: u32 = 8 + (GROUPED_PAIRS << 2);

export let tenantCount: u32 = 0;
export let labelCount: u32 = 0;
export let pairCount: u32 = 0;
export let seriesCount: u32 = 0;

/** Pair + 1 by a quick hash. */
let met: usize = 0;
/** Series of a group, and where the caller tells of their labels: u32 address, u32 bytes each. */
let group: usize = 0;
let groupPlaces: usize = 0;
/** Kept so that a look at memory is not taken for one that nobody needs. */
export let peeked: u32 = 0;

export function heapBase(): usize {
  return __heap_base;
}

export function start(a: u32, b: u32, c: u32, d: u32): void {
  startMemory();
  startOwnKey(a, b, c, d);
  startEntries();
  startLabelSet();
  met = allocate((<usize>4) << MET_PAIRS_BITS);
  startDefinitions();
  group = allocate(GROUP * GROUPED_BYTES);
  groupPlaces = allocate(GROUP << 3);
  startTable();
  stage(4096);
}

export function usedBytes(): usize {
  return top;
}

export function addTenant(accountId: u32, projectId: u32): i32 {
  const tenant = makeEntry(tenants, tenantCount, TENANT_BYTES, 0);
  if (tenant == 0) return FULL;
  store<u32>(tenant, accountId);
  store<u32>(tenant, projectId, 4);
  tenantCount++;
  return <i32>(tenantCount - 1);
}

// ---- labels and pairs -----------------------------------------------------------------------------------------------

/** 32 bits of the hash of what something is (with the number of what it belongs to) and of its bytes. */
function hashOf(kind: u64, lo: usize, hi: usize): u32 {
  beginHash();
  absorb(kind);
  const sum = finish(lo, hi, 8);
  return <u32>sum ^ <u32>(sum >> 32);
}

function hashOfLabel(tenant: u32, at: usize, length: u32): u32 {
  return hashOf(((<u64>tenant) << 8) | LABEL, at, at + length);
}

function hashOfPair(label: u32, at: usize, length: u32): u32 {
  return hashOf(((<u64>label) << 8) | PAIR, at, at + length);
}

function lookUpLabel(hash: u32, tenant: u32, at: usize, length: u32): u32 {
  for (let label = firstCandidate(hash, LABEL); label != NUMBER_MASK; label = nextCandidate(hash, LABEL)) {
    const entry = labelAddress(label);
    if (load<u32>(entry, 4) == tenant && isText(<usize>load<u32>(entry), at, length)) return label + 1;
  }
  return 0;
}

function lookUpPair(hash: u32, label: u32, at: usize, length: u32): u32 {
  for (let pair = firstCandidate(hash, PAIR); pair != NUMBER_MASK; pair = nextCandidate(hash, PAIR)) {
    const entry = pairAddress(pair);
    if (load<u32>(entry, 4) == label && isText(<usize>load<u32>(entry), at, length)) return pair + 1;
  }
  return 0;
}

/** Number + 1 of a label, 0 if the tenant has none of that name. */
export function findLabel(tenant: u32, at: usize, length: u32): u32 {
  return lookUpLabel(hashOfLabel(tenant, at, length), tenant, at, length);
}

/** Number + 1 of a pair, 0 if no series has it. */
export function findPair(label: u32, at: usize, length: u32): u32 {
  return lookUpPair(hashOfPair(label, at, length), label, at, length);
}

/** Number of a label, which becomes known if it was not. */
export function internLabel(tenant: u32, at: usize, length: u32): i32 {
  const hash = hashOfLabel(tenant, at, length);
  const known = lookUpLabel(hash, tenant, at, length);
  if (known != 0) return <i32>(known - 1);
  const label = labelCount;
  const entry: usize = label == NUMBER_MASK ? 0 : makeEntry(labels, label, LABEL_BYTES, DEFINED_BYTES);
  if (entry == 0) return FULL;
  const text = addText(at, length);
  if (text == 0 || !addSought(hash, LABEL, label)) return FULL;
  store<u32>(entry, <u32>text);
  store<u32>(entry, tenant, 4);
  const owner = tenantAddress(tenant);
  const last = load<u32>(owner, 12);
  if (last == 0) store<u32>(owner, label + 1, 8);
  else store<u32>(labelAddress(last - 1), label + 1, 8);
  store<u32>(owner, label + 1, 12);
  labelCount++;
  return <i32>label;
}

/** Number of a pair, which becomes known if it was not. */
export function internPair(label: u32, at: usize, length: u32): i32 {
  const hash = hashOfPair(label, at, length);
  const known = lookUpPair(hash, label, at, length);
  if (known != 0) return <i32>(known - 1);
  const pair = pairCount;
  const entry: usize = pair == NUMBER_MASK ? 0 : makeEntry(pairs, pair, PAIR_BYTES, DEFINED_BYTES);
  if (entry == 0) return FULL;
  const text = addText(at, length);
  if (text == 0 || !addSought(hash, PAIR, pair)) return FULL;
  store<u32>(entry, <u32>text);
  store<u32>(entry, label, 4);
  const owner = labelAddress(label);
  const last = load<u32>(owner, 16);
  if (last == 0) store<u32>(owner, pair + 1, 12);
  else store<u32>(pairAddress(last - 1), pair + 1, 8);
  store<u32>(owner, pair + 1, 16);
  store<u32>(owner, load<u32>(owner, 20) + 1, 20);
  pairCount++;
  return <i32>pair;
}

/** The same for a pair that was probably met lately. Anybody may guess what this looks at: whoever makes it fail pays the keyed hash. */
function internMetPair(label: u32, at: usize, length: u32): i32 {
  let bytes = load<u64>(at);
  if (length < 8) bytes = length == 0 ? 0 : bytes << ((8 - length) << 3);
  else
    bytes += load<u64>(at + length - 8) * 0x9e3779b97f4a7c15 + load<u64>(at + (length >> 1) - 4) * 0xff51afd7ed558ccd;
  bytes = (bytes ^ ((<u64>label) << 8) ^ length) * 0xc4ceb9fe1a85ec53;
  const place = met + ((<usize>(bytes >> (64 - MET_PAIRS_BITS))) << 2);
  const known = load<u32>(place);
  if (known != 0) {
    const entry = pairAddress(known - 1);
    if (load<u32>(entry, 4) == label && isText(<usize>load<u32>(entry), at, length)) return <i32>(known - 1);
  }
  const pair = internPair(label, at, length);
  if (pair >= 0) store<u32>(place, <u32>pair + 1);
  return pair;
}

// ---- series ---------------------------------------------------------------------------------------------------------

/** Slot of the series with these pairs (u32, at least one, in order of their labels' names), which becomes known if it was not. */
export function internSeries(at: usize, count: u32): i32 {
  return internHashed(hashOf(SERIES, at, at + ((<usize>count) << 2)), at, count);
}

function internHashed(hash: u32, at: usize, count: u32): i32 {
  for (let slot = firstCandidate(hash, SERIES); slot != NUMBER_MASK; slot = nextCandidate(hash, SERIES)) {
    if (hasPairs(recordAddress(slot), at, count)) return <i32>slot;
  }
  const slot = seriesCount;
  // Everything that the lists may need, so that a series is in all of them or in none.
  if (slot == NUMBER_MASK || !ensure((<usize>count + 1) * (LIST_GROWTH + 5) + (SERIES_BYTES << 10) + 64)) return FULL;
  const entry = makeEntry(series, slot, SERIES_BYTES, 0);
  if (entry == 0 || !addSought(hash, SERIES, slot)) return FULL;
  const record = allocateBytes(5 * (<usize>count + 1));
  if (record == 0) return FULL;
  store<u32>(entry, <u32>record);
  let end = writeVarint(record, count);
  for (let i: u32 = 0; i < count; i++) end = writeVarint(end, load<u32>(at + ((<usize>i) << 2)));
  giveBack(end);
  seriesCount++;
  for (let i: u32 = 0; i < count; i++) addSlot(pairAddress(load<u32>(at + ((<usize>i) << 2))) + 12, slot);
  const label = load<u32>(pairAddress(load<u32>(at)), 4);
  addSlot(tenantAddress(load<u32>(labelAddress(label), 4)) + 16, slot);
  return <i32>slot;
}

function hasPairs(record: usize, at: usize, count: u32): bool {
  if (readVarint(record) != count) return false;
  for (let i: u32 = 0; i < count; i++) {
    if (readVarint(readEnd) != load<u32>(at + ((<usize>i) << 2))) return false;
  }
  return true;
}

/** Slot of the series that these labels name, in the form in which they came; negative if they name none. */
export function register(tenant: u32, at: usize, bytes: u32, form: u32): i32 {
  const count = readPairs(tenant, at, bytes, form);
  return count < 0 ? count : internSeries(numbersAt(), <u32>count);
}

/** Where the labels of a group's series are to be told, and where `registerGroup` leaves the slots, as u32 in their order. */
export function groupAddress(): usize {
  return groupPlaces;
}

/**
 * What `register` does, for `count` series, at most GROUP. A new series is looked up in vain, and the table is as large as all series are many: with a
 * group's places looked at one right behind the other, the processor waits for memory once and not for each.
 */
export function registerGroup(tenant: u32, count: u32, form: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const place = groupPlaces + ((<usize>i) << 3);
    const one = group + <usize>i * GROUPED_BYTES;
    const status = readPairs(tenant, <usize>load<u32>(place), load<u32>(place, 4), form);
    store<u32>(one, <u32>status);
    if (status <= 0 || <u32>status > GROUPED_PAIRS) continue;
    const numbers = numbersAt();
    const bytes = (<usize>status) << 2;
    copyShort(one + 8, numbers, bytes);
    store<u32>(one, hashOf(SERIES, numbers, numbers + bytes), 4);
  }
  let seen: u32 = 0;
  for (let i: u32 = 0; i < count; i++) seen += peek(load<u32>(group + <usize>i * GROUPED_BYTES, 4));
  peeked = seen;
  for (let i: u32 = 0; i < count; i++) {
    const one = group + <usize>i * GROUPED_BYTES;
    const place = groupPlaces + ((<usize>i) << 3);
    let status = <i32>load<u32>(one);
    if (status > 0) {
      status =
        <u32>status <= GROUPED_PAIRS
          ? internHashed(load<u32>(one, 4), one + 8, <u32>status)
          : register(tenant, <usize>load<u32>(place), load<u32>(place, 4), form);
    }
    store<u32>(groupPlaces + ((<usize>i) << 2), <u32>status);
  }
}

/** The pairs of a label set, as u32 behind `terms`, which become known if they were not. Returns how many, or why they name no series. */
function readPairs(tenant: u32, at: usize, bytes: u32, form: u32): i32 {
  const status = readLabels(tenant, at, at + bytes, form);
  if (status < 0) return status;
  const count = <u32>status;
  const numbers = numbersAt();
  for (let i: u32 = 0; i < count; i++) {
    const term = terms + <usize>i * TERM_BYTES;
    let label = <i32>load<u32>(term, 16) - 1;
    if (label < 0) {
      label = internLabel(tenant, <usize>load<u32>(term), load<u32>(term, 4));
      if (label < 0) return label;
    }
    setUsual(i, <u32>label);
    const pair = internMetPair(<u32>label, <usize>load<u32>(term, 8), load<u32>(term, 12));
    if (pair < 0) return pair;
    store<u32>(numbers + ((<usize>i) << 2), <u32>pair);
  }
  return status;
}
