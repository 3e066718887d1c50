// @ts-nocheck
// Hash → number, for labels, pairs and series alike: extendible hashing.
//
//   directory, indexed by the hash's top bits ──► segments of 512 entries (u32 hash, u32 kind and number), then u32 depth, u32 entries
//
// A segment that is full splits in two, which moves 407 entries at most: nobody ever waits for a table of millions to be copied. Hashes are spread so
// evenly that all segments would be full at nearly the same time, hence some count as full earlier than others.
// What a hash finds is a candidate: the caller compares.
import { allocate } from "./memory";

const SEGMENT_ENTRIES: u32 = 512;
const SEGMENT_MASK: u32 = SEGMENT_ENTRIES - 1;
const ENTRIES_BYTES: u32 = SEGMENT_ENTRIES * 8;
/** A segment splits with so many entries: it depends on the hash's first bits, of which segments of a split both have the same. */
const FULL_MIN: u32 = 272;
const FULL_STEP: u32 = 9;
const FULL_BITS: u32 = 4;
const DEPTH_MAX: u32 = 23;
/** Two bits above a number. */
export const KIND_SHIFT: u32 = 30;
export const NUMBER_MASK: u32 = (1 << KIND_SHIFT) - 1;

let directory: usize = 0;
let depth: u32 = 0;
let scratch: usize = 0;

export function startTable(): void {
  depth = 0;
  directory = allocate(8);
  scratch = allocate(ENTRIES_BYTES);
  store<u32>(directory, <u32>makeSegment(0));
}

function makeSegment(ownDepth: u32): usize {
  const segment = allocate(ENTRIES_BYTES + 8);
  if (segment != 0) store<u32>(segment + ENTRIES_BYTES, ownDepth);
  return segment;
}

function segmentOf(hash: u32): usize {
  return <usize>load<u32>(directory + ((depth == 0 ? 0 : <usize>(hash >> (32 - depth))) << 2));
}

/** What the search for a hash looks at first: for those who ask for several before the first of them is searched, so that the processor fetches all at once. */
export function peek(hash: u32): u32 {
  return load<u32>(segmentOf(hash) + ((<usize>(hash & SEGMENT_MASK)) << 3), 4);
}

let probeSegment: usize = 0;
let probeEntry: u32 = 0;

/** First candidate for a hash, with `nextCandidate` for the others; NUMBER_MASK when there are no more. `kind` is 1 to 3. */
export function firstCandidate(hash: u32, kind: u32): u32 {
  probeSegment = segmentOf(hash);
  probeEntry = hash & SEGMENT_MASK;
  return nextCandidate(hash, kind);
}

export function nextCandidate(hash: u32, kind: u32): u32 {
  let at = probeSegment + ((<usize>probeEntry) << 3);
  for (let entry = load<u32>(at, 4); entry != 0; entry = load<u32>(at, 4)) {
    probeEntry = (probeEntry + 1) & SEGMENT_MASK;
    if (load<u32>(at) == hash && entry >> KIND_SHIFT == kind) return entry & NUMBER_MASK;
    at = probeSegment + ((<usize>probeEntry) << 3);
  }
  return NUMBER_MASK;
}

/**
 * Adds an entry that the search before looked for in vain: it goes to the free place where the search ended, unless the segment is full. False without
 * memory.
 */
export function addSought(hash: u32, kind: u32, number: u32): bool {
  const full = FULL_MIN + FULL_STEP * (hash >> (32 - FULL_BITS));
  const entry = (kind << KIND_SHIFT) | number;
  const count = load<u32>(probeSegment + ENTRIES_BYTES, 4);
  if (count < full) {
    const at = probeSegment + ((<usize>probeEntry) << 3);
    store<u32>(at, hash);
    store<u32>(at, entry, 4);
    store<u32>(probeSegment + ENTRIES_BYTES, count + 1, 4);
    return true;
  }
  let segment = probeSegment;
  do {
    if (!split(segment, hash)) return false;
    segment = segmentOf(hash);
  } while (load<u32>(segment + ENTRIES_BYTES, 4) >= full);
  put(segment, hash, entry);
  return true;
}

function put(segment: usize, hash: u32, entry: u32): void {
  let i = hash & SEGMENT_MASK;
  while (load<u32>(segment + ((<usize>i) << 3), 4) != 0) i = (i + 1) & SEGMENT_MASK;
  store<u32>(segment + ((<usize>i) << 3), hash);
  store<u32>(segment + ((<usize>i) << 3), entry, 4);
  store<u32>(segment + ENTRIES_BYTES, load<u32>(segment + ENTRIES_BYTES, 4) + 1, 4);
}

/** The segment keeps the hashes whose next bit is 0; a new one gets the others. */
function split(segment: usize, hash: u32): bool {
  const ownDepth = load<u32>(segment + ENTRIES_BYTES);
  if (ownDepth == depth && !growDirectory()) return false;
  const other = makeSegment(ownDepth + 1);
  if (other == 0) return false;
  memory.copy(scratch, segment, ENTRIES_BYTES);
  memory.fill(segment, 0, ENTRIES_BYTES + 8);
  store<u32>(segment + ENTRIES_BYTES, ownDepth + 1);
  for (let i: u32 = 0; i < SEGMENT_ENTRIES; i++) {
    const entry = load<u32>(scratch + ((<usize>i) << 3), 4);
    if (entry == 0) continue;
    const own = load<u32>(scratch + ((<usize>i) << 3));
    put(((own << ownDepth) & 0x8000_0000) == 0 ? segment : other, own, entry);
  }
  // All places of the directory that share the segment's bits: the upper half of them is the new one's.
  const places = (<u32>1) << (depth - ownDepth);
  const first = (ownDepth == 0 ? 0 : hash >> (32 - ownDepth)) << (depth - ownDepth);
  for (let i = places >> 1; i < places; i++) store<u32>(directory + ((<usize>(first + i)) << 2), <u32>other);
  return true;
}

function growDirectory(): bool {
  if (depth == DEPTH_MAX) return false;
  const places = (<u32>1) << depth;
  const larger = allocate((<usize>places) << 3);
  if (larger == 0) return false;
  for (let i: u32 = 0; i < places; i++) {
    const segment = load<u32>(directory + ((<usize>i) << 2));
    store<u32>(larger + ((<usize>i) << 3), segment);
    store<u32>(larger + ((<usize>i) << 3), segment, 4);
  }
  directory = larger;
  depth++;
  return true;
}
