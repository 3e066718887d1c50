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
import { absorb, beginHash, beginKept, beginWideHash, finish, finishWide, keep, setHashKey } from "./hash/sip";
import {
  allocate,
  allocateBytes,
  ensure,
  entryOf,
  giveBack,
  makeArray,
  makeEntry,
  pageOf,
  readEnd,
  readVarint,
  startMemory,
  top,
  writeVarint,
  zigzag,
} from "./registry/memory";
import { addSlot, copySlots, countSlots, LIST_GROWTH } from "./registry/postings";
import { addEntry, firstCandidate, NUMBER_MASK, nextCandidate, peek, startTable } from "./registry/table";

const LABEL: u32 = 1;
const PAIR: u32 = 2;
const SERIES: u32 = 3;

const TENANT_BYTES: u32 = 24;
const LABEL_BYTES: u32 = 24;
const PAIR_BYTES: u32 = 16;
const SERIES_BYTES: u32 = 4;
/** A bit for each of a page's 1,024 entries: whether the record at hand defines it. */
const DEFINED_BYTES: u32 = 128;

// How labels come: see src/kernel/label-store.ts.
const FORM_ROWS: u32 = 1;
const FORM_PROTOBUF: u32 = 2;

// Why labels are no series.
const NO_LABELS: i32 = -1;
const DUPLICATE_NAME: i32 = -2;
const EMPTY_NAME: i32 = -3;
const FULL: i32 = -4;
const UNSORTED: i32 = -5;

/** Steps of sorting that a label set may take here: more, and the caller sorts. */
const SORT_STEPS_MAX: u32 = 2048;
const RECENT_LABELS: u32 = 64;
/** Pairs met lately are found without a keyed hash: by a few bytes of the value, in a table where a later one takes an earlier one's place. */
const MET_PAIRS_BITS: u32 = 13;
/** Pairs that a record defines are noted up to this many: of more, all of the record's series are gone through again. */
const NOTED_PAIRS: u32 = 2048;
const TERM_BYTES: u32 = 16;
/** Series that are registered together at most, and the pairs that such a series may have: one with more is registered alone. */
const GROUP: u32 = 32;
const GROUPED_PAIRS: u32 = 62;
/** A series of a group: u32 labels, or why they are none; u32 hash; pairs. */
const GROUPED_BYTES: u32 = 8 + (GROUPED_PAIRS << 2);

// The registry's own hash key: the hasher is lent to others.
let ownKey0: u32 = 0;
let ownKey1: u32 = 0;
let ownKey2: u32 = 0;
let ownKey3: u32 = 0;
let tenants: usize = 0;
let labels: usize = 0;
let pairs: usize = 0;
let series: usize = 0;
export let tenantCount: u32 = 0;
export let labelCount: u32 = 0;
export let pairCount: u32 = 0;
export let seriesCount: u32 = 0;

let stageAt: usize = 0;
let stageBytes: usize = 0;
/** Labels of the series at hand: u32 name, u32 its length, u32 value, u32 its length; then their pairs. */
let terms: usize = 0;
let termRoom: u32 = 0;
/** Label + 1 that stood at each place of the series before: the next one's are nearly always the same. */
let recent: usize = 0;
/** Pair + 1 by a quick hash. */
let met: usize = 0;
/** Series of a group, and where the caller tells of their labels: u32 address, u32 bytes each. */
let group: usize = 0;
let groupPlaces: usize = 0;
/** Kept so that a look at memory is not taken for one that nobody needs. */
export let peeked: u32 = 0;
let noted: usize = 0;
let notedCount: u32 = 0;

export function heapBase(): usize {
  return __heap_base;
}

export function start(a: u32, b: u32, c: u32, d: u32): void {
  startMemory();
  ownKey0 = a;
  ownKey1 = b;
  ownKey2 = c;
  ownKey3 = d;
  setHashKey(a, b, c, d);
  tenants = makeArray();
  labels = makeArray();
  pairs = makeArray();
  series = makeArray();
  recent = allocate(RECENT_LABELS << 2);
  met = allocate((<usize>4) << MET_PAIRS_BITS);
  noted = allocate(NOTED_PAIRS << 2);
  group = allocate(GROUP * GROUPED_BYTES);
  groupPlaces = allocate(GROUP << 3);
  startTable();
  stage(4096);
}

export function usedBytes(): usize {
  return top;
}

/** Address for this many bytes of the caller's, which stay until the next call; 0 without memory. */
export function stage(bytes: usize): usize {
  if (bytes > stageBytes) {
    const wanted = max<usize>(bytes, min<usize>(stageBytes << 1, 1 << 20));
    const at = allocate(wanted + 16);
    if (at == 0) return 0;
    stageAt = at;
    stageBytes = wanted;
  }
  return stageAt;
}

/** Address for this many bytes that the next call which adds anything overwrites; 0 without memory. */
export function scratch(bytes: usize): usize {
  return ensure(bytes + 8) ? (top + 7) & ~7 : 0;
}

export function addTenant(accountId: u32, projectId: u32): i32 {
  const tenant = makeEntry(tenants, tenantCount, TENANT_BYTES, 0);
  if (tenant == 0) return FULL;
  store<u32>(tenant, accountId);
  store<u32>(tenant, projectId, 4);
  tenantCount++;
  return <i32>(tenantCount - 1);
}

export function tenantAddress(tenant: u32): usize {
  return entryOf(tenants, tenant, TENANT_BYTES);
}

export function labelAddress(label: u32): usize {
  return entryOf(labels, label, LABEL_BYTES);
}

export function pairAddress(pair: u32): usize {
  return entryOf(pairs, pair, PAIR_BYTES);
}

/** Address of a series' record. */
export function recordAddress(slot: u32): usize {
  return <usize>load<u32>(entryOf(series, slot, SERIES_BYTES));
}

// ---- texts ----------------------------------------------------------------------------------------------------------

function isText(text: usize, at: usize, length: u32): bool {
  return readVarint(text) == length && isSame(readEnd, at, length);
}

/** Reads up to 7 bytes beyond the ends. */
function isSame(a: usize, b: usize, length: u32): bool {
  if (length < 8) return (load<u64>(a) ^ load<u64>(b)) << ((8 - length) << 3) == 0 || length == 0;
  const lastOfA = a + length - 8;
  for (; a < lastOfA; a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false;
  // The last eight bytes, some of them a second time.
  return load<u64>(lastOfA) == load<u64>(b - (a - lastOfA));
}

function addText(at: usize, length: u32): usize {
  const text = allocateBytes(5 + length);
  if (text == 0) return 0;
  const bytes = writeVarint(text, length);
  memory.copy(bytes, at, length);
  // Not all of the five bytes of a length were needed.
  giveBack(bytes + length);
  return text;
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
  if (text == 0 || !addEntry(hash, LABEL, label)) return FULL;
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
  if (text == 0 || !addEntry(hash, PAIR, pair)) return FULL;
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
  if (entry == 0 || !addEntry(hash, SERIES, slot)) return FULL;
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
  return count < 0 ? count : internSeries(terms + <usize>termRoom * TERM_BYTES, <u32>count);
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
    const numbers = terms + <usize>termRoom * TERM_BYTES;
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
  const status = readLabels(at, at + bytes, form);
  if (status < 0) return status;
  const count = <u32>status;
  const numbers = terms + <usize>termRoom * TERM_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const term = terms + <usize>i * TERM_BYTES;
    const nameAt = <usize>load<u32>(term);
    const nameBytes = load<u32>(term, 4);
    let label: u32 = i < RECENT_LABELS ? load<u32>(recent + ((<usize>i) << 2)) : 0;
    if (label == 0 || !isLabel(label - 1, tenant, nameAt, nameBytes)) {
      const number = internLabel(tenant, nameAt, nameBytes);
      if (number < 0) return number;
      label = <u32>number + 1;
      if (i < RECENT_LABELS) store<u32>(recent + ((<usize>i) << 2), label);
    }
    const pair = internMetPair(label - 1, <usize>load<u32>(term, 8), load<u32>(term, 12));
    if (pair < 0) return pair;
    store<u32>(numbers + ((<usize>i) << 2), <u32>pair);
  }
  return status;
}

function isLabel(label: u32, tenant: u32, at: usize, length: u32): bool {
  const entry = labelAddress(label);
  return load<u32>(entry, 4) == tenant && isText(<usize>load<u32>(entry), at, length);
}

/** Labels into `terms`: sorted, without empty values. Returns how many. */
function readLabels(lo: usize, hi: usize, form: u32): i32 {
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
  const room = max<u32>(RECENT_LABELS, termRoom << 1);
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

// ---- what others read -----------------------------------------------------------------------------------------------

/** Slots that have a pair. */
export function countPairSlots(pair: u32): u32 {
  return countSlots(pairAddress(pair) + 12);
}

export function copyPairSlots(pair: u32, target: usize): void {
  copySlots(pairAddress(pair) + 12, target);
}

export function countTenantSlots(tenant: u32): u32 {
  return countSlots(tenantAddress(tenant) + 16);
}

export function copyTenantSlots(tenant: u32, target: usize): void {
  copySlots(tenantAddress(tenant) + 16, target);
}

/** Series done by the last `writeKeys` or `define`. */
export let done: u32 = 0;

/**
 * Keys (index/series-key.ts) of series from `slots[0]` on, one behind the other, and where each ends, as u32 from `ends` on. Stops before the
 * one that would go beyond `room`, and behind one of another tenant than the first's; see `done`. Returns the bytes written, or, if the first alone needs
 * more than `room`, how many it needs.
 */
export function writeKeys(slots: usize, count: u32, ends: usize, target: usize, room: u32): u32 {
  let at = target;
  let tenant: u32 = 0;
  for (done = 0; done < count; done++) {
    const record = recordAddress(load<u32>(slots + ((<usize>done) << 2)));
    const own = tenantOfRecord(record);
    if (done == 0) tenant = own;
    else if (own != tenant) break;
    let needed: u32 = 0;
    let left = readVarint(record);
    for (let next = readEnd; left > 0; left--) {
      const pair = pairAddress(readVarint(next));
      next = readEnd;
      needed +=
        10 + readVarint(<usize>load<u32>(pair)) + readVarint(<usize>load<u32>(labelAddress(load<u32>(pair, 4))));
    }
    if (<u32>(at - target) + needed > room) return done == 0 ? needed : <u32>(at - target);
    left = readVarint(record);
    for (let next = readEnd; left > 0; left--) {
      const pair = pairAddress(readVarint(next));
      next = readEnd;
      at = copyText(<usize>load<u32>(labelAddress(load<u32>(pair, 4))), at);
      at = copyText(<usize>load<u32>(pair), at);
    }
    store<u32>(ends + ((<usize>done) << 2), <u32>(at - target));
  }
  return <u32>(at - target);
}

/**
 * The first 32 bits of the hashes of the keys of series, all of one tenant, as u32 to `target`: what src/index/key-hash.ts makes of the keys, in the hash's
 * `domain` and under another key than the registry's. False without memory: keys are put together behind the scratch memory's first `used` bytes.
 */
export function hashKeys(
  a: u32,
  b: u32,
  c: u32,
  d: u32,
  domain: u32,
  slots: usize,
  count: u32,
  target: usize,
  used: usize,
): bool {
  if (count == 0) return true;
  const tenant = tenantAddress(tenantOf(load<u32>(slots)));
  setHashKey(a, b, c, d);
  beginWideHash();
  absorb(<u64>domain);
  absorb(<u64>load<u32>(tenant) | ((<u64>load<u32>(tenant, 4)) << 32));
  keep();
  const key = scratch(used) + ((used + 23) & ~7);
  let isWhole = true;
  for (let i: u32 = 0; i < count; i++) {
    let left = readVarint(recordAddress(load<u32>(slots + ((<usize>i) << 2))));
    let at = key + 16;
    for (let next = readEnd; left > 0; left--) {
      const pair = pairAddress(readVarint(next));
      next = readEnd;
      const name = <usize>load<u32>(labelAddress(load<u32>(pair, 4)));
      const value = <usize>load<u32>(pair);
      const bytes = readVarint(name) + readVarint(value) + 10;
      isWhole = isWhole && ensure(at + bytes - top);
      if (!isWhole) break;
      at = copyText(value, copyText(name, at));
    }
    if (!isWhole) break;
    beginKept();
    finishWide(key + 16, at, 16, key);
    store<u32>(target + ((<usize>i) << 2), load<u32>(key));
  }
  setHashKey(ownKey0, ownKey1, ownKey2, ownKey3);
  return isWhole;
}

/** Numbers of the pairs of series, as u32, and how many there are up to each series' end; for the rest as writeKeys. */
export function writePairs(slots: usize, count: u32, ends: usize, target: usize, room: u32): u32 {
  let at = target;
  for (done = 0; done < count; done++) {
    const record = recordAddress(load<u32>(slots + ((<usize>done) << 2)));
    let left = readVarint(record);
    const needed = left << 2;
    if (<u32>(at - target) + needed > room) return done == 0 ? needed : <u32>(at - target);
    let next = readEnd;
    for (; left > 0; left--) {
      // Numbers of pairs that are met often are small.
      let pair = <u32>load<u8>(next++);
      if (pair >= 0x80) {
        pair = readVarint(next - 1);
        next = readEnd;
      }
      store<u32>(at, pair);
      at += 4;
    }
    store<u32>(ends + ((<usize>done) << 2), <u32>(at - target) >> 2);
  }
  return <u32>(at - target);
}

function tenantOfRecord(record: usize): u32 {
  readVarint(record);
  return load<u32>(labelAddress(load<u32>(pairAddress(readVarint(readEnd)), 4)), 4);
}

export function tenantOf(slot: u32): u32 {
  return tenantOfRecord(recordAddress(slot));
}

function copyText(text: usize, target: usize): usize {
  const bytes = readVarint(text);
  const end = readEnd + bytes;
  copyShort(target, text, end - text);
  return target + (end - text);
}

/** For few bytes, which a call of the engine's own copy is too much for. Reads and writes up to 7 bytes beyond the ends. */
function copyShort(target: usize, source: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 8) store<u64>(target + i, load<u64>(source + i));
}

// ---- definitions for the log ----------------------------------------------------------------------------------------
//
// docs/format/wal.md has the bytes: whatever a series refers to and no other of the same record did goes before it.

const DEFINE_LABEL: u8 = 1;
const DEFINE_PAIR: u8 = 2;
const DEFINE_SERIES: u8 = 3;

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
