// @ts-nocheck
// Memory that only grows: a bump allocator, and arrays in pages of 1,024 entries, so that growing never copies what is there.

/** First unused byte. */
export let top: usize = 0;
let limit: usize = 0;

/** Bytes that are always there behind the top: hashes and copies read ahead. */
const SLACK: usize = 64;
const ENTRIES_BITS: u32 = 10;
const ENTRIES_MASK: u32 = (1 << ENTRIES_BITS) - 1;
const DIRECTORY_ENTRIES: u32 = 1 << 16;

export function startMemory(): void {
  top = (__heap_base + 15) & ~15;
  limit = (<usize>memory.size()) << 16;
}

/** Sees to it that this many bytes can be had behind the top. */
export function ensure(bytes: usize): bool {
  if (bytes > 0x7fff_ffff) return false;
  const wanted = <u64>top + bytes + SLACK;
  if (wanted <= <u64>limit) return true;
  if (wanted > 0xffff_0000) return false;
  // A sixteenth more: few growths, little slack, and pages nobody touched cost nothing.
  const missing = <usize>(wanted - limit);
  const pages = <i32>((max<usize>(missing, limit >> 4) + 0xffff) >> 16);
  if (memory.grow(pages) < 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) return false;
  limit = (<usize>memory.size()) << 16;
  return true;
}

/** Bytes at any address, whatever is in them; 0 if there are none. */
export function allocateBytes(bytes: usize): usize {
  if (!ensure(bytes)) return 0;
  const at = top;
  top += bytes;
  return at;
}

/** What was allocated last ends here after all. */
export function giveBack(end: usize): void {
  top = end;
}

/** Bytes from a multiple of 8 on, all zero. */
export function allocate(bytes: usize): usize {
  if (!ensure(bytes + 8)) return 0;
  const at = (top + 7) & ~7;
  top = at + bytes;
  // What is behind the top may have served as scratch.
  memory.fill(at, 0, bytes);
  return at;
}

/** An array without entries: what it returns stands for it. At the start only, while memory is as it came: pages of it that are never used cost nothing. */
export function makeArray(): usize {
  const bytes = (<usize>DIRECTORY_ENTRIES) << 2;
  return ensure(bytes) ? allocateBytes(bytes) : 0;
}

/** Address of an entry that exists. */
export function entryOf(array: usize, index: u32, bytes: u32): usize {
  return <usize>load<u32>(array + ((<usize>index >> ENTRIES_BITS) << 2)) + <usize>(index & ENTRIES_MASK) * bytes;
}

/** Address of an entry that may be the first of a page; `extra` bytes stand behind a page's entries. 0 without memory. */
export function makeEntry(array: usize, index: u32, bytes: u32, extra: u32): usize {
  if (index >> ENTRIES_BITS >= DIRECTORY_ENTRIES) return 0;
  const slot = array + ((<usize>index >> ENTRIES_BITS) << 2);
  if (load<u32>(slot) == 0) {
    const page = allocate(((<usize>bytes) << ENTRIES_BITS) + extra);
    if (page == 0) return 0;
    store<u32>(slot, <u32>page);
  }
  return entryOf(array, index, bytes);
}

/** Address of the page an entry is in. */
export function pageOf(array: usize, index: u32): usize {
  return <usize>load<u32>(array + ((<usize>index >> ENTRIES_BITS) << 2));
}

// ---- varints --------------------------------------------------------------------------------------------------------

/** Where the number read last ended. */
export let readEnd: usize = 0;

/** A number below 2^32. */
export function readVarint(at: usize): u32 {
  let value: u32 = 0;
  let shift: u32 = 0;
  for (;;) {
    const byte = <u32>load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  readEnd = at;
  return value;
}

/** Writes a number and returns the address behind it. */
export function writeVarint(at: usize, value: u32): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>(value | 0x80));
    value >>= 7;
  }
  store<u8>(at, <u8>value);
  return at + 1;
}

/** A difference of two numbers, small ones short whatever their sign. */
export function zigzag(difference: i32): u32 {
  return ((<u32>difference) << 1) ^ <u32>(difference >> 31);
}

let stageAt: usize = 0;
let stageBytes: usize = 0;

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
