/**
 * Recalls series that were read lately, so that their labels need not be walked through and hashed again.
 *
 * Senders repeat themselves: after the labels of one series come, nearly always, those that came after them the last time. Each series that was
 * read is an entry with its raw bytes, its hash, and which entry came next. If the bytes of the expected entry stand where the next series begins,
 * its hash is theirs: equal bytes under one tenant, checked when they were learned. A wrong guess costs a look at a few bytes.
 *
 *   entries (a ring)   │ place, length │ follower │ tenant │ hash │      the oldest is forgotten first
 *   texts   (a ring)   │ raw label fields, each on a multiple of 16 │
 *   table              hash → entry and a few more bits of the hash, direct-mapped: finds the place again after a wrong guess
 *
 * Nothing here decides what is answered, only what it costs: src/ingest/recall.test.ts holds it against a kernel that recalls nothing.
 */

/** An entry: where its text is (u32), its length (u32, 0 if forgotten), its follower (u32), then tenant (u64) and hash (2 × u64). */
const ENTRY_BYTES: u32 = 48;
const LENGTH: u32 = 4;
const FOLLOWER: u32 = 8;
const TENANT: u32 = 16;
const HASH_LOW: u32 = 24;
const HASH_HIGH: u32 = 32;

/** Longer texts are not worth their room; so much is left free behind the texts. */
const TEXT_BYTES_MAX: u32 = 4096;
const NONE: u32 = 0xffffffff;

let entries: u32 = 0;
let entryMask: u32 = 0;
let texts: u32 = 0;
let textBytes: u32 = 0;
let table: u32 = 0;
let tableMask: u32 = 0;

/** Entries learned since the start, the last of them `learned - 1`; those before `oldest` are forgotten. Both modulo 2^32. */
let learned: u32 = 0;
let oldest: u32 = 0;
/** Where in `texts` the next one goes. */
let textEnd: u32 = 0;

/** Series whose hash was not computed. Wraps round. */
export let recalledCount: u32 = 0;

let tenant: u64 = 0;
/** The entry of the series read last, NONE if it has none; and the one whose bytes were found where the next begins. */
let previous: u32 = NONE;
let found: u32 = NONE;

/**
 * Where more series come round than there is room for, each is forgotten before it comes again, and of a flood of new ones none does. So learning costs
 * credit, of which there is enough for a quarter of the entries at first. Recalling earns more, up to four times the entries; without any, sixteen times as
 * many series as there are entries pass before it is tried again.
 */
let credit: u32 = 0;
let pause: u32 = 0;

/** Bytes of memory that 2^`entryBits` entries with `bytes` of texts (a multiple of 16) need. */
export function recallBytes(entryBits: u32, bytes: u32): u32 {
  return (ENTRY_BYTES << entryBits) + (8 << entryBits) + bytes + TEXT_BYTES_MAX;
}

/** Lays all of it out from `at` on, a multiple of 16, in memory that is zero. */
export function placeRecall(at: u32, entryBits: u32, bytes: u32): void {
  entries = at;
  entryMask = (1 << entryBits) - 1;
  table = entries + (ENTRY_BYTES << entryBits);
  tableMask = (2 << entryBits) - 1;
  texts = table + (8 << entryBits);
  textBytes = bytes;
  credit = firstCredit();
}

export function setRecallTenant(accountId: u32, projectId: u32): void {
  tenant = <u64>accountId | ((<u64>projectId) << 32);
}

/** A new request: nothing is known of what came before. */
export function beginRecall(): void {
  previous = NONE;
}

function firstCredit(): u32 {
  return (entryMask + 4) >> 2;
}

function fullCredit(): u32 {
  return (entryMask + 1) << 2;
}

function entryAt(entry: u32): u32 {
  return entries + (entry & entryMask) * ENTRY_BYTES;
}

/** The length of the label fields from `lo` on if they are those that are expected, all of them; else 0. */
export function recallLabels(lo: u32, hi: u32): u32 {
  if (previous == NONE) return 0;
  const follower = load<u32>(entryAt(previous), FOLLOWER);
  const at = entryAt(follower);
  const length = load<u32>(at, LENGTH);
  if (length == 0 || length > hi - lo) return 0;
  if (!isSame(texts + load<u32>(at), lo, length) || load<u64>(at, TENANT) != tenant) return 0;
  // Labels that go on make another series.
  if (length < hi - lo && load<u8>(lo + length) == 0x0a) return 0;
  found = follower;
  return length;
}

/** The hash of what recallLabels() found, to `target`. */
export function storeRecalled(target: u32): void {
  const at = entryAt(found);
  store<u64>(target, load<u64>(at, HASH_LOW));
  store<u64>(target, load<u64>(at, HASH_HIGH), 8);
  previous = found;
  recalledCount += 1;
  if (credit < fullCredit()) credit += 1;
}

/** Takes note of a series whose label fields are `[lo, hi)` and whose hash is at `hashAt`. */
export function learnLabels(lo: u32, hi: u32, hashAt: u32): void {
  if (entryMask == 0) return;
  const low = load<u64>(hashAt);
  const high = load<u64>(hashAt, 8);
  const slot = table + ((<u32>low & tableMask) << 2);
  const met = load<u32>(slot);
  // What is not known is told by the table's word nearly always, without a look at an entry that is far away.
  const mark = <u32>high & ~entryMask;
  let entry = NONE;
  if ((met & ~entryMask) == mark && isEntry(met, hi - lo, low, high)) {
    entry = met & entryMask;
  } else if (credit > 0) {
    credit -= 1;
    if (credit == 0) pause = fullCredit() << 2;
    entry = learn(lo, hi - lo, low, high);
    if (entry != NONE) store<u32>(slot, entry | mark);
  } else {
    pause -= 1;
    if (pause == 0) credit = firstCredit();
  }
  if (previous != NONE && entry != NONE) store<u32>(entryAt(previous), entry, FOLLOWER);
  previous = entry;
}

function isEntry(entry: u32, length: u32, low: u64, high: u64): bool {
  const at = entryAt(entry);
  return load<u32>(at, LENGTH) == length && load<u64>(at, HASH_LOW) == low && load<u64>(at, HASH_HIGH) == high;
}

function learn(lo: u32, length: u32, low: u64, high: u64): u32 {
  if (length > TEXT_BYTES_MAX || length == 0) return NONE;
  const size = (length + 15) & ~15;
  if (textEnd + size > textBytes) {
    // What is left of the last round lies behind, and goes first.
    while (oldest != learned && load<u32>(entryAt(oldest)) >= textEnd) forgetOldest();
    textEnd = 0;
  }
  while (oldest != learned) {
    const text = load<u32>(entryAt(oldest));
    if ((text < textEnd || text >= textEnd + size) && learned - oldest <= entryMask) break;
    forgetOldest();
  }
  const entry = learned & entryMask;
  const at = entryAt(entry);
  memory.copy(texts + textEnd, lo, length);
  store<u32>(at, textEnd);
  store<u32>(at, length, LENGTH);
  store<u32>(at, (entry + 1) & entryMask, FOLLOWER);
  store<u64>(at, tenant, TENANT);
  store<u64>(at, low, HASH_LOW);
  store<u64>(at, high, HASH_HIGH);
  textEnd += size;
  learned += 1;
  return entry;
}

function forgetOldest(): void {
  store<u32>(entryAt(oldest), 0, LENGTH);
  oldest += 1;
}

function isSame(a: u32, b: u32, length: u32): bool {
  if (length < 16) {
    for (let i: u32 = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
    return true;
  }
  const last = length - 16;
  for (let i: u32 = 0; i < last; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
}
