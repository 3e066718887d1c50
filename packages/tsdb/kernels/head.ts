// asc: --enable threads --importMemory --sharedMemory --initialMemory 64 --maximumMemory 65536
// @ts-nocheck
// The head's sample store: per-series chains of chunks in one linear memory, append-only.
//
//   directory (65,536 × u32)  ──►  page of 1,024 series states  ──►  chunk ──► chunk ──► chunk (tail)
//
//   series state, 32 bytes                          chunk
//     0  u32 first chunk, 0 = none                    0  u32 next chunk, 0 = none
//     4  u32 tail chunk                               4  u16 capacity in samples
//     8  u32 samples in all                           6  u16 samples written (published last)
//    12  u32 1 if times did not always rise           8  (f64 time in ms, f64 value) × capacity
//    16  f64 smallest time, ms
//    24  f64 largest time, ms
//
// Nothing moves once written, and counts and links are stored atomically after what they publish, so a second instance
// over the same (shared) memory may read while this one appends. Chunks have 1, 3, 4, 8, … 64 samples: a series with one
// sample costs 56 bytes, one with many wastes half a chunk of 64 on average.
//
// The caller lays its request out in the scratch area at the memory's start and makes sure it fits.

const PAGE_BITS: u32 = 10;
const PAGE_MASK: u32 = (1 << PAGE_BITS) - 1;
const STATE_BYTES: u32 = 32;
const CHUNK_HEADER_BYTES: u32 = 8;
const DIRECTORY_ENTRIES: u32 = 65536;
const CAPACITY_MAX: u32 = 64;
const SKIP: u32 = 0xffffffff;

let directory: usize = 0;
let top: usize = 0; // first unused byte
let limit: usize = 0; // memory size in bytes

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

/** Looks at a store that another instance over the same memory has filled, for reading only. */
export function attach(scratchBytes: usize): void {
  directory = (scratchBytes + 15) & ~15;
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
  return page == 0 ? 0 : page + <usize>(slot & PAGE_MASK) * STATE_BYTES;
}

function makeState(slot: u32): usize {
  const bytes = <usize>(PAGE_MASK + 1) * STATE_BYTES;
  const page = allocate(bytes);
  if (page == 0) return 0;
  memory.fill(page, 0, bytes);
  store<u32>(directory + ((<usize>slot >> PAGE_BITS) << 2), <u32>page);
  return page + <usize>(slot & PAGE_MASK) * STATE_BYTES;
}

function addChunk(state: usize, tail: usize): usize {
  const before: u32 = tail == 0 ? 0 : load<u16>(tail, 4);
  const capacity: u32 = before == 0 ? 1 : before == 1 ? 3 : before == 3 ? 4 : min<u32>(before << 1, CAPACITY_MAX);
  const chunk = allocate(<usize>(CHUNK_HEADER_BYTES + capacity * 16));
  if (chunk == 0) return 0;
  store<u32>(chunk, 0);
  store<u16>(chunk, <u16>capacity, 4);
  store<u16>(chunk, 0, 6);
  if (tail == 0) {
    store<f64>(state, Infinity, 16);
    store<f64>(state, -Infinity, 24);
    atomic.store<u32>(state, <u32>chunk);
  } else {
    atomic.store<u32>(tail, <u32>chunk);
  }
  store<u32>(state, <u32>chunk, 4);
  return chunk;
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
    let state = stateOf(slot);
    if (state == 0) {
      state = makeState(slot);
      if (state == 0) return s;
    }
    let tail = <usize>load<u32>(state, 4);
    let count: u32 = tail == 0 ? 0 : load<u16>(tail, 6);
    let capacity: u32 = tail == 0 ? 0 : load<u16>(tail, 4);
    let last = tail == 0 ? -Infinity : load<f64>(tail + CHUNK_HEADER_BYTES + ((<usize>count - 1) << 4));
    let added: u32 = 0;
    for (; i < end; i++) {
      if (count == capacity) {
        if (added != 0) atomic.store<u16>(tail, <u16>count, 6);
        tail = addChunk(state, tail);
        if (tail == 0) return s;
        count = 0;
        capacity = load<u16>(tail, 4);
      }
      const time = load<f64>(times + ((<usize>i) << 3));
      const at = tail + CHUNK_HEADER_BYTES + ((<usize>count) << 4);
      store<f64>(at, time);
      store<u64>(at, load<u64>(values + ((<usize>i) << 3)), 8);
      count++;
      added++;
      if (time <= last) store<u32>(state, 1, 12);
      last = time;
      if (time < load<f64>(state, 16)) store<f64>(state, time, 16);
      if (time > load<f64>(state, 24)) store<f64>(state, time, 24);
    }
    if (added == 0) continue;
    atomic.store<u16>(tail, <u16>count, 6);
    store<u32>(state, load<u32>(state, 8) + added, 8);
  }
  return seriesCount;
}

/** Address of a series' state, 0 if it has no sample here. */
export function stateAddress(slot: u32): usize {
  const state = stateOf(slot);
  return state == 0 || load<u32>(state, 8) == 0 ? 0 : state;
}

let readState: usize = 0;
let readChunk: usize = 0;
let readIndex: u32 = 0;

/** Puts the reading place at the first sample of a series. */
export function startRead(slot: u32): void {
  readState = stateOf(slot);
  readChunk = readState == 0 ? 0 : <usize>atomic.load<u32>(readState);
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
export function read(minMs: f64, maxMs: f64, times: usize, values: usize, room: u32): u32 {
  let found: u32 = 0;
  while (readChunk != 0) {
    const count = <u32>atomic.load<u16>(readChunk, 6);
    let at = readChunk + CHUNK_HEADER_BYTES + ((<usize>readIndex) << 4);
    // Smallest and largest are at least those of what the count says is there: they are stored before it, and read after it.
    if (load<f64>(readState, 16) >= minMs && load<f64>(readState, 24) <= maxMs) {
      const end = min(count, readIndex + room - found);
      copyAll(at, end - readIndex, times + ((<usize>found) << 3), values + ((<usize>found) << 3));
      found += end - readIndex;
      readIndex = end;
      if (end < count) return found;
    }
    for (; readIndex < count; readIndex++, at += 16) {
      const time = load<f64>(at);
      if (time < minMs || time > maxMs) continue;
      if (found == room) return found;
      store<f64>(times + ((<usize>found) << 3), time);
      store<u64>(values + ((<usize>found) << 3), load<u64>(at, 8));
      found++;
    }
    readChunk = <usize>atomic.load<u32>(readChunk);
    readIndex = 0;
  }
  return found;
}
