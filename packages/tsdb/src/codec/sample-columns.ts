/**
 * Columns like those real senders write, by kind: what the tests and the bench of this room encode. Seeded, so that a
 * failure can be repeated.
 */

/** A generator of numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Fills a column of `count` samples. */
export type ColumnKind = (count: number, random: () => number) => Float64Array;

/** Stale markers are the NaN with these bits. */
export const STALE_MARKER: Float64Array = new Float64Array(Uint32Array.of(2, 0x7ff00000).buffer);

function walk(
  start: (random: () => number) => number,
  next: (value: number, random: () => number, i: number) => number,
): ColumnKind {
  return (count, random) => {
    const column = new Float64Array(count);
    let value = start(random);
    for (let i = 0; i < count; i++) {
      value = next(value, random, i);
      column[i] = value;
    }
    return column;
  };
}

const cents = (value: number) => Math.round(value * 100) / 100;

/** The five kinds of the load generator: most of what node_exporter sends. */
export const GENERATOR_KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  [
    "seconds counter, 2 decimals",
    walk(
      (random) => Math.floor(random() * 1e6),
      (value, random) => cents(value + random() * 15),
    ),
  ],
  [
    "gauge of pages",
    (count, random) =>
      walk(
        () => Math.floor(random() * 1e6),
        (value) => value + Math.floor((random() - 0.5) * 4096) * 4096,
      )(count, random).map(Math.abs),
  ],
  [
    "bytes counter",
    (count, random) => {
      const rate = random() * 10;
      return walk(
        () => Math.floor(random() * 1e6),
        (value) => value + Math.floor(random() * rate * 1000),
      )(count, random);
    },
  ],
  [
    "big gauge, 20 % change",
    walk(
      (random) => 5e10 + Math.floor(random() * 1e6),
      (value, random) => (random() < 0.2 ? value + Math.floor((random() - 0.5) * 1000) * 4096 : value),
    ),
  ],
  [
    "load, 2 decimals",
    walk(
      (random) => random() * 100,
      (value, random) => cents(Math.max(0, Math.min(100, value + (random() - 0.5)))),
    ),
  ],
]);

/** Kinds beyond the generator's. */
export const OTHER_KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  [
    "constant",
    walk(
      (random) => Math.floor(random() * 1e4) / 8,
      (value) => value,
    ),
  ],
  [
    "counter with resets",
    walk(
      () => 0,
      (value, random) => (random() < 0.004 ? 0 : value + Math.floor(random() * 90)),
    ),
  ],
  [
    "counter, 2 % change",
    walk(
      () => 0,
      (value, random) => (random() < 0.02 ? value + 1 : value),
    ),
  ],
  [
    "gauge with stale markers",
    walk(
      () => 400,
      (value, random) => Math.round(Math.abs(value) + (random() - 0.5) * 20),
    ),
  ],
  [
    "sum of durations",
    walk(
      () => 0.25,
      (value, random) => value + Math.round(random() * 2e6) / 1e9,
    ),
  ],
  [
    "1/3 steps",
    walk(
      () => 0,
      (value, random) => value + Math.floor(random() * 9) / 3,
    ),
  ],
  [
    "sine",
    walk(
      () => 0,
      (_, random, i) => Math.sin(i / 40 + random() / 1e3),
    ),
  ],
  [
    "noise",
    walk(
      () => 0,
      (_, random) => random(),
    ),
  ],
  [
    "float32 noise",
    walk(
      () => 0,
      (_, random) => Math.fround(20 + random()),
    ),
  ],
  [
    "nanoseconds since 1970",
    walk(
      () => 1.79e18,
      (value, random) => value + 1e9 + Math.floor(random() * 1e6),
    ),
  ],
]);

/** Milliseconds, sorted. */
export const TIMESTAMP_KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  [
    "every 15 s",
    walk(
      () => 1795372412505,
      (value) => value + 15000,
    ),
  ],
  [
    "every 15 s, late by up to 8 ms",
    (count, random) =>
      Float64Array.from({ length: count }, (_, i) => 1795372412505 + 15000 * i + Math.floor(random() * 9)),
  ],
  [
    "every second, drifting",
    walk(
      () => 1795372412505,
      (value, random) => value + 1000 + Math.floor(random() * 3),
    ),
  ],
  [
    "every 15 s with outages",
    walk(
      () => 1795372412505,
      (value, random) => value + 15000 * (random() < 0.01 ? 2 + Math.floor(random() * 90) : 1),
    ),
  ],
  [
    "events at any time",
    walk(
      () => 1795372412505,
      (value, random) => value + Math.floor(-Math.log(1 - random()) * 4000),
    ),
  ],
]);

/** The same column with a stale marker in place of every sample with this chance. */
export function withStaleMarkers(column: Float64Array, chance: number, random: () => number): Float64Array {
  const marked = column.slice();
  for (let i = 0; i < marked.length; i++) if (random() < chance) marked.set(STALE_MARKER, i);
  return marked;
}
