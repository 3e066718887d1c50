/**
 * Texts one behind the other: sorted runs of them become one, and texts become strings of JSON. Specified by src/kernel/texts-twin.ts.
 *
 * Bytes are compared eight at a time and copied sixteen at a time, so up to 16 bytes behind a text are read, and behind what is written, overwritten.
 */
const TEXTS_MAX: i32 = 1024;
const TEXT_BYTES_MAX: i32 = 128 << 10;
const SLACK: i32 = 16;
/** Of texts to be printed, and where each ends there. */
const TEXTS: usize = memory.data(TEXT_BYTES_MAX + SLACK, 16);
const ENDS: usize = memory.data(TEXTS_MAX * 4, 16);
/** Two quotes and a comma a text. */
const PRINTED: usize = memory.data(TEXT_BYTES_MAX + 3 * TEXTS_MAX + SLACK, 16);

/** Of a run: where its bytes and its ends are, how many texts it has; then which of them is next, and where that begins and ends. */
const RUN_BYTES: usize = 24;
const OF_ENDS: usize = 4;
const OF_COUNT: usize = 8;
const OF_NEXT: usize = 12;
const OF_LO: usize = 16;
const OF_HI: usize = 20;

export function heapBase(): usize {
  return __heap_base;
}

/** Most texts of one print. */
export function textsMax(): i32 {
  return TEXTS_MAX;
}

/** Most bytes of the texts of one print. */
export function textBytesMax(): i32 {
  return TEXT_BYTES_MAX;
}

export function textsAddress(): usize {
  return TEXTS;
}

export function endsAddress(): usize {
  return ENDS;
}

export function printedAddress(): usize {
  return PRINTED;
}

/** Prints `count` texts to PRINTED as JSON strings, comma between. Returns how many bytes; -1 if a byte is not itself in such a string. */
export function print(count: i32): i32 {
  let at = PRINTED;
  let from = TEXTS;
  for (let i: usize = 0; i < <usize>count; i++) {
    const to = TEXTS + load<u32>(ENDS + (i << 2));
    store<u8>(at++, 0x22);
    while (from < to) {
      const some = v128.load(from);
      v128.store(at, some);
      const left = to - from;
      let escaped = i8x16.bitmask(needsMore(some));
      if (left < 16) escaped &= (1 << (<i32>left)) - 1;
      if (escaped != 0) return -1;
      const taken = min<usize>(left, 16);
      from += taken;
      at += taken;
    }
    store<u16>(at, 0x2c22); // ",
    at += 2;
  }
  return <i32>(at - PRINTED) - (count > 0 ? 1 : 0);
}

/** Which bytes are no ASCII, no characters, or one of `"`, `'`, `<` and `\`. */
function needsMore(some: v128): v128 {
  // As signed numbers all from 0x80 on are below 0.
  const outside = v128.or(i8x16.lt_s(some, i8x16.splat(0x20)), i8x16.eq(some, i8x16.splat(0x7f)));
  const quotes = v128.or(i8x16.eq(some, i8x16.splat(0x22)), i8x16.eq(some, i8x16.splat(0x27)));
  const others = v128.or(i8x16.eq(some, i8x16.splat(0x3c)), i8x16.eq(some, i8x16.splat(0x5c)));
  return v128.or(outside, v128.or(quotes, others));
}

/** Bytes that `merge` wants at `runs`: of so many runs. */
export function runsBytes(runCount: i32): usize {
  // Behind the runs a heap of those that have texts left, by the next of them.
  return <usize>runCount * (RUN_BYTES + 4);
}

/**
 * Merges `runCount` runs, each sorted and with one text at least, described at `runs` by three words each: addresses of its bytes and of its ends, and how many texts.
 * The first `most` texts, each once, go to `bytes` and their ends to `ends`. Returns how many.
 */
export function merge(runs: usize, runCount: u32, most: u32, bytes: usize, ends: usize): u32 {
  const heap = runs + <usize>runCount * RUN_BYTES;
  // From the last to the first: descriptions grow from three words to six.
  for (let i = <i32>runCount - 1; i >= 0; i--) {
    const given = runs + <usize>i * 12;
    const text = load<u32>(given);
    const textEnds = load<u32>(given + 4);
    const count = load<u32>(given + 8);
    const run = runs + <usize>i * RUN_BYTES;
    store<u32>(run, text);
    store<u32>(run + OF_ENDS, textEnds);
    store<u32>(run + OF_COUNT, count);
    store<u32>(run + OF_NEXT, 0);
    store<u32>(run + OF_LO, text);
    store<u32>(run + OF_HI, text + load<u32>(textEnds));
    store<u32>(heap + ((<usize>i) << 2), <u32>run);
  }
  let live = runCount;
  for (let i = <i32>(live >> 1) - 1; i >= 0; i--) siftDown(heap, live, <u32>i);
  let at = bytes;
  let made: u32 = 0;
  while (live > 1 && made < most) {
    const run = <usize>load<u32>(heap);
    const left = <usize>load<u32>(heap + 4);
    const right = <usize>load<u32>(heap + 8);
    const after = live > 2 && compare(right, left) < 0 ? right : left;
    let hasNext = true;
    let order = compare(run, after);
    while (order < 0) {
      const lo = <usize>load<u32>(run + OF_LO);
      const hi = <usize>load<u32>(run + OF_HI);
      copy(at, lo, hi);
      at += hi - lo;
      store<u32>(ends + ((<usize>made) << 2), <u32>(at - bytes));
      made++;
      hasNext = advance(run);
      if (!hasNext || made == most) break;
      order = compare(run, after);
    }
    // The same text comes once more.
    if (hasNext && order == 0) hasNext = advance(run);
    if (!hasNext) store<u32>(heap, load<u32>(heap + ((<usize>--live) << 2)));
    siftDown(heap, live, 0);
  }
  const last = <usize>load<u32>(heap);
  while (made < most) {
    const lo = <usize>load<u32>(last + OF_LO);
    const hi = <usize>load<u32>(last + OF_HI);
    copy(at, lo, hi);
    at += hi - lo;
    store<u32>(ends + ((<usize>made) << 2), <u32>(at - bytes));
    made++;
    if (!advance(last)) break;
  }
  return made;
}

/** Goes on to the run's next text; false if there is none. */
function advance(run: usize): bool {
  const next = load<u32>(run + OF_NEXT) + 1;
  if (next == load<u32>(run + OF_COUNT)) return false;
  store<u32>(run + OF_NEXT, next);
  store<u32>(run + OF_LO, load<u32>(run + OF_HI));
  store<u32>(run + OF_HI, load<u32>(run) + load<u32>(<usize>load<u32>(run + OF_ENDS) + ((<usize>next) << 2)));
  return true;
}

/** Below 0, 0 or above 0 as the next text of run `a` is before, equal to or behind that of run `b`. */
function compare(a: usize, b: usize): i32 {
  let i = <usize>load<u32>(a + OF_LO);
  let j = <usize>load<u32>(b + OF_LO);
  const aBytes = <i32>(load<u32>(a + OF_HI) - <u32>i);
  const bBytes = <i32>(load<u32>(b + OF_HI) - <u32>j);
  let left = min(aBytes, bBytes);
  for (; left >= 8; left -= 8) {
    const some = load<u64>(i);
    const others = load<u64>(j);
    if (some != others) return bswap(some) < bswap(others) ? -1 : 1;
    i += 8;
    j += 8;
  }
  if (left > 0) {
    const unused = <u64>(64 - 8 * left);
    const some = bswap(load<u64>(i)) >> unused;
    const others = bswap(load<u64>(j)) >> unused;
    if (some != others) return some < others ? -1 : 1;
  }
  return aBytes - bBytes;
}

/** Puts the run at `i` where it belongs among those below it. */
function siftDown(heap: usize, live: u32, i: u32): void {
  const moved = load<u32>(heap + ((<usize>i) << 2));
  let at = i;
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= live) break;
    if (child + 1 < live && compare(childAt(heap, child + 1), childAt(heap, child)) < 0) child++;
    if (compare(childAt(heap, child), moved) >= 0) break;
    store<u32>(heap + ((<usize>at) << 2), <u32>childAt(heap, child));
    at = child;
  }
  store<u32>(heap + ((<usize>at) << 2), moved);
}

function childAt(heap: usize, i: u32): usize {
  return load<u32>(heap + ((<usize>i) << 2));
}

function copy(to: usize, lo: usize, hi: usize): void {
  for (let from = lo; from < hi; from += 16) {
    v128.store(to, v128.load(from));
    to += 16;
  }
}
