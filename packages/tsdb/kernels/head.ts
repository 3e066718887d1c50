// asc: --enable threads --importMemory --sharedMemory --initialMemory 64 --maximumMemory 65536
// @ts-nocheck
// The head's sample store: per-series chains of chunks in one linear memory, append-only.
//
//   directory (65,536 × u32)  ──►  page of 1,024 series states  ──►  chunk ──► chunk ──► chunk (tail)
//
//   series state, 24 bytes                          chunk
//     0  u32 tail chunk, 0 = none                     0  u32 next chunk, 0 = none
//     4  u32 first chunk + marks, 0 = no sample       4  u16 capacity in samples
//     8  f64 time in ms of the first sample           6  u16 samples written (published last)
//    16  f64 its value                                8  (f64 time in ms, f64 value) × capacity
//
//   marks    1: there is a sample · 2: times did not always rise
//   bounds   16 bytes behind the first chunk's samples: f64 smallest, f64 largest time; only of series with mark 2
//
// A series with one sample is its state and no more, which is what most new series are for a while. Of one whose times rise, the first and the last time are
// its bounds. Nothing moves once written, and marks, counts and links are stored atomically after what they publish, so a second instance over the same
// (shared) memory may read while this one appends. Chunks have 3, 4, 8, … 64 samples: a series with many wastes half a chunk of 64 on average.
//
// The caller lays its request out in the scratch area at the memory's start and makes sure it fits.

const PAGE_BITS: u32 = 10;
const PAGE_MASK: u32 = (1 << PAGE_BITS) - 1;
const STATE_BYTES: u32 = 24;
const CHUNK_HEADER_BYTES: u32 = 8;
const BOUNDS_BYTES: u32 = 16;
const DIRECTORY_ENTRIES: u32 = 65536;
const FIRST_CAPACITY: u32 = 3;
const CAPACITY_MAX: u32 = 64;
const SKIP: u32 = 0xffffffff;

/** Where a state has its first chunk and marks. */
const FIRST: usize = 4;
const HAS_SAMPLE: u32 = 1;
const UNORDERED: u32 = 2;
const MARKS: u32 = 7;

let directory: usize = 0;
let top: usize = 0; // first unused byte
let limit: usize = 0; // memory size in bytes
let shown: usize = usize.MAX_VALUE; // what stands from here on is not looked at

/** First byte behind the static data. */
export function heapBase(): usize {
  return __heap_base;
}

/** Empties the store. Bytes below `scratchBytes` belong to the caller. */
export function reset(scratchBytes: usize): void {
  directory = (scratchBytes + 15) & ~15;
  top = directory + DIRECTORY_ENTRIES * 4;
  limit = (<usize>memory.size()) << 16;
  ensure(0);
  memory.fill(directory, 0, DIRECTORY_ENTRIES * 4);
}

/**
 * Looks at a store that another instance over the same memory fills, for reading only, and at no more of it than its first `bytes` (what `usedBytes`
 * said there): memory that the other one adds later need not be known here yet.
 */
export function attach(scratchBytes: usize, bytes: usize): void {
  directory = (scratchBytes + 15) & ~15;
  shown = bytes;
}

/** Memory for a reader's columns, until the next `reset`. 0 if there is none left. */
export function setAside(bytes: usize): usize {
  return allocate((bytes + 15) & ~15);
}

/** Bytes in use, scratch included. */
export function usedBytes(): usize {
  return top;
}

function ensure(bytes: usize): bool {
  if (top + bytes <= limit) return true;
  // Grow by at least an eighth: few growths, little slack.
  const missing = top + bytes - limit;
  const wanted = max<usize>(missing, limit >> 3);
  const pages = <i32>((wanted + 0xffff) >> 16);
  if (memory.grow(pages) < 0) {
    if (memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) return false;
  }
  limit = (<usize>memory.size()) << 16;
  return true;
}

function allocate(bytes: usize): usize {
  if (!ensure(bytes)) return 0;
  const at = top;
  top += bytes;
  return at;
}

function stateOf(slot: u32): usize {
  const page = <usize>load<u32>(directory + ((<usize>slot >> PAGE_BITS) << 2));
  return page == 0 || page >= shown ? 0 : page + <usize>(slot & PAGE_MASK) * STATE_BYTES;
}

/** The chunk at an address; 0 if it is not shown. Chunks of a series ascend, so those behind it are not, either. */
function shownChunk(chunk: usize): usize {
  return chunk >= shown ? 0 : chunk;
}

/** The first chunk of a series, 0 if there is none. */
function firstChunk(first: u32): usize {
  return shownChunk(<usize>(first & ~MARKS));
}

function makeState(slot: u32): usize {
  const bytes = <usize>(PAGE_MASK + 1) * STATE_BYTES;
  const page = allocate(bytes);
  if (page == 0) return 0;
  memory.fill(page, 0, bytes);
  store<u32>(directory + ((<usize>slot >> PAGE_BITS) << 2), <u32>page);
  return page + <usize>(slot & PAGE_MASK) * STATE_BYTES;
}

function makeChunk(capacity: u32, extraBytes: u32): usize {
  const chunk = allocate(<usize>(CHUNK_HEADER_BYTES + capacity * 16 + extraBytes));
  if (chunk == 0) return 0;
  store<u32>(chunk, 0);
  store<u16>(chunk, <u16>capacity, 4);
  store<u16>(chunk, 0, 6);
  return chunk;
}

/** A further chunk behind the tail, or the first one if `tail` is 0. */
function addChunk(state: usize, tail: usize): usize {
  if (tail == 0) {
    const chunk = makeChunk(FIRST_CAPACITY, BOUNDS_BYTES);
    if (chunk == 0) return 0;
    atomic.store<u32>(state, <u32>chunk | load<u32>(state, FIRST), FIRST);
    atomic.store<u32>(state, <u32>chunk);
    return chunk;
  }
  const before: u32 = load<u16>(tail, 4);
  const chunk = makeChunk(before == FIRST_CAPACITY ? 4 : min<u32>(before << 1, CAPACITY_MAX), 0);
  if (chunk == 0) return 0;
  atomic.store<u32>(tail, <u32>chunk);
  atomic.store<u32>(state, <u32>chunk);
  return chunk;
}

function boundsOf(first: u32): usize {
  return <usize>(first & ~MARKS) + CHUNK_HEADER_BYTES + FIRST_CAPACITY * 16;
}

/** A sample's time is not above the one before, `last`: bounds are kept from here on. There is a chunk. */
function loseOrder(state: usize, time: f64, last: f64): void {
  const first = load<u32>(state, FIRST);
  const bounds = boundsOf(first);
  if ((first & UNORDERED) == 0) {
    store<f64>(bounds, min(load<f64>(state, 8), time));
    store<f64>(bounds, last, 8);
    atomic.store<u32>(state, first | UNORDERED, FIRST);
  }
}

/**
 * Appends a batch. `slots` and `ends` are u32 columns, one entry a series; `times` and `values` f64 columns.
 * A slot of 0xffffffff skips its samples. Returns the number of series taken: fewer than `seriesCount` means that
 * memory ran out before the next one (whose samples may be in partly).
 */
export function append(slots: usize, ends: usize, seriesCount: u32, times: usize, values: usize): u32 {
  let i: u32 = 0;
  for (let s: u32 = 0; s < seriesCount; s++) {
    const end = load<u32>(ends + ((<usize>s) << 2));
    const slot = load<u32>(slots + ((<usize>s) << 2));
    if (slot == SKIP) {
      i = end;
      continue;
    }
    if (i == end) continue;
    let state = stateOf(slot);
    if (state == 0) {
      state = makeState(slot);
      if (state == 0) return s;
    }
    if (load<u32>(state, FIRST) == 0) {
      store<f64>(state, load<f64>(times + ((<usize>i) << 3)), 8);
      store<u64>(state, load<u64>(values + ((<usize>i) << 3)), 16);
      atomic.store<u32>(state, HAS_SAMPLE, FIRST);
      if (++i == end) continue;
    }
    let tail = <usize>load<u32>(state);
    let count: u32 = tail == 0 ? 0 : load<u16>(tail, 6);
    let capacity: u32 = tail == 0 ? 0 : load<u16>(tail, 4);
    let last = tail == 0 ? load<f64>(state, 8) : load<f64>(tail + CHUNK_HEADER_BYTES + ((<usize>count - 1) << 4));
    let isOrdered = (load<u32>(state, FIRST) & UNORDERED) == 0;
    for (; i < end; i++) {
      if (count == capacity) {
        if (tail != 0) atomic.store<u16>(tail, <u16>count, 6);
        tail = addChunk(state, tail);
        if (tail == 0) return s;
        count = 0;
        capacity = load<u16>(tail, 4);
      }
      const time = load<f64>(times + ((<usize>i) << 3));
      if (isOrdered && time <= last) {
        loseOrder(state, time, last);
        isOrdered = false;
      }
      if (!isOrdered) {
        const bounds = boundsOf(load<u32>(state, FIRST));
        if (time < load<f64>(bounds)) store<f64>(bounds, time);
        if (time > load<f64>(bounds, 8)) store<f64>(bounds, time, 8);
      }
      const at = tail + CHUNK_HEADER_BYTES + ((<usize>count) << 4);
      store<f64>(at, time);
      store<u64>(at, load<u64>(values + ((<usize>i) << 3)), 8);
      count++;
      last = time;
    }
    atomic.store<u16>(tail, <u16>count, 6);
  }
  return seriesCount;
}

/** Smallest and largest time of the series that `findBounds` found. */
export let minMs: f64 = 0;
export let maxMs: f64 = 0;

/** Finds the smallest and the largest time of a series. False if it has no sample here. */
export function findBounds(slot: u32): bool {
  const state = stateOf(slot);
  if (state == 0) return false;
  let first = atomic.load<u32>(state, FIRST);
  if (first == 0) return false;
  minMs = load<f64>(state, 8);
  maxMs = minMs;
  if ((first & UNORDERED) == 0) {
    let chunk = shownChunk(<usize>atomic.load<u32>(state));
    let count: u32 = chunk == 0 ? 0 : <u32>atomic.load<u16>(chunk, 6);
    // The tail may be about to get its first sample, or not be shown.
    for (let next = count == 0 ? firstChunk(first) : 0; next != 0; next = shownChunk(<usize>atomic.load<u32>(next))) {
      const own = <u32>atomic.load<u16>(next, 6);
      if (own == 0) break;
      chunk = next;
      count = own;
    }
    if (count != 0) maxMs = load<f64>(lastOf(chunk, count));
    // The last sample is the latest one if there is no mark now: that is stored before the count, and read after it.
    first = atomic.load<u32>(state, FIRST);
  }
  if ((first & UNORDERED) != 0 && firstChunk(first) != 0) {
    minMs = load<f64>(boundsOf(first));
    maxMs = load<f64>(boundsOf(first), 8);
  }
  return true;
}

/** Whether a series has samples: 0 none, 1 all of them with `minMs <= time <= maxMs`, 2 others as well. */
export function placeOf(slot: u32, lo: f64, hi: f64): i32 {
  return !findBounds(slot) ? 0 : minMs >= lo && maxMs <= hi ? 1 : 2;
}

/** True if a series has samples whose times may lie in the range. */
export function overlaps(slot: u32, lo: f64, hi: f64): bool {
  return findBounds(slot) && minMs <= hi && maxMs >= lo;
}

/** True if a series' times rise from sample to sample. */
export function isOrdered(slot: u32): bool {
  const state = stateOf(slot);
  return state == 0 || (atomic.load<u32>(state, FIRST) & UNORDERED) == 0;
}

let readState: usize = 0;
/** The first sample, which stands in the state, is not read yet. */
let isFirstUnread: bool = false;
let readChunk: usize = 0;
let readIndex: u32 = 0;

/** Puts the reading place at the first sample of a series. */
export function startRead(slot: u32): void {
  readState = stateOf(slot);
  const first: u32 = readState == 0 ? 0 : atomic.load<u32>(readState, FIRST);
  isFirstUnread = first != 0;
  readChunk = firstChunk(first);
  readIndex = 0;
}

/** Copies samples as they come, two at a time. */
function copyAll(at: usize, count: u32, times: usize, values: usize): void {
  for (let left = count; left >= 2; left -= 2) {
    const first = v128.load(at);
    const second = v128.load(at, 16);
    v128.store(times, v128.shuffle<u64>(first, second, 0, 2));
    v128.store(values, v128.shuffle<u64>(first, second, 1, 3));
    at += 32;
    times += 16;
    values += 16;
  }
  if ((count & 1) == 0) return;
  store<f64>(times, load<f64>(at));
  store<u64>(values, load<u64>(at, 8));
}

/**
 * Copies the next samples with `minMs <= time <= maxMs` into two f64 columns, in order of arrival, at most `room`.
 * Returns how many; fewer than `room` means the series is read to its end.
 */
export function read(lo: f64, hi: f64, times: usize, values: usize, room: u32): u32 {
  let found: u32 = 0;
  if (isFirstUnread && room > 0) {
    isFirstUnread = false;
    const time = load<f64>(readState, 8);
    if (time >= lo && time <= hi) {
      store<f64>(times, time);
      store<u64>(values, load<u64>(readState, 16));
      found = 1;
    }
  }
  while (readChunk != 0) {
    // Before the count: a chunk that has one behind it is full, and one that gets it later ends what is read.
    const next = shownChunk(<usize>atomic.load<u32>(readChunk));
    const count = <u32>atomic.load<u16>(readChunk, 6);
    let at = readChunk + CHUNK_HEADER_BYTES + ((<usize>readIndex) << 4);
    // The mark is stored before the count that makes it true, and read after it.
    const isRising = (atomic.load<u32>(readState, FIRST) & UNORDERED) == 0;
    if (isRising && readIndex < count && load<f64>(at) >= lo && load<f64>(lastOf(readChunk, count)) <= hi) {
      const end = min(count, readIndex + room - found);
      copyAll(at, end - readIndex, times + ((<usize>found) << 3), values + ((<usize>found) << 3));
      found += end - readIndex;
      readIndex = end;
      if (end < count) return found;
    }
    for (; readIndex < count; readIndex++, at += 16) {
      const time = load<f64>(at);
      if (time < lo || time > hi) continue;
      if (found == room) return found;
      store<f64>(times + ((<usize>found) << 3), time);
      store<u64>(values + ((<usize>found) << 3), load<u64>(at, 8));
      found++;
    }
    readChunk = next;
    readIndex = 0;
  }
  return found;
}

function lastOf(chunk: usize, count: u32): usize {
  return chunk + CHUNK_HEADER_BYTES + ((<usize>count - 1) << 4);
}
