import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { CardinalityLimiter, type CardinalityLimiterOptions } from "./cardinality-limiter.ts";

const foldAll = (limiter: CardinalityLimiter, values: readonly string[]) => values.map((value) => limiter.fold(value));

test("the first values are kept, the others become other", () => {
  const limiter = new CardinalityLimiter({ maxValues: 2 });
  assert.deepEqual(foldAll(limiter, ["a", "b", "c", "a", "d"]), ["a", "b", "other", "a", "other"]);
  const { values, kept, overflowed, cut, refused, entries } = limiter.stats();
  assert.deepEqual(
    { values, kept, overflowed, cut, refused, entries },
    {
      values: 2,
      kept: 3,
      overflowed: 2,
      cut: 0,
      refused: 0,
      entries: 2,
    },
  );
});

test("hash folds into a bounded number of buckets, the same value always into the same", () => {
  const limiter = new CardinalityLimiter({ maxValues: 1, overflow: "hash", overflowBuckets: 16 });
  limiter.fold("kept");
  const buckets = new Map<string, number>();
  for (let i = 0; i < 16_000; i++) {
    const bucket = limiter.fold(`customer-${i}`);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
  }
  assert.equal(buckets.size, 16);
  for (const [bucket, count] of buckets) {
    assert.match(bucket, /^hash_[0-9a-f]{2}$/);
    assert.ok(count > 800 && count < 1200, `${bucket} ${count}`);
  }
  assert.equal(limiter.fold("customer-7"), limiter.fold("customer-7"));
  const other = new CardinalityLimiter({ maxValues: 0, overflow: "hash", overflowBuckets: 16 });
  assert.equal(other.fold("customer-7"), limiter.fold("customer-7"), "in each process the same");
});

test("an overflow function groups, and cannot make more values than there are buckets", () => {
  const group = new CardinalityLimiter({
    maxValues: 0,
    overflow: (value) => (value.startsWith("/api") ? "api" : "web"),
  });
  assert.deepEqual(foldAll(group, ["/api/a", "/b", "/api/c"]), ["api", "web", "api"]);
  const useless = new CardinalityLimiter({ maxValues: 0, overflow: (value) => value, overflowBuckets: 2 });
  assert.deepEqual(foldAll(useless, ["a", "b", "c", "a"]), ["a", "b", "other", "a"]);
  const careless = new CardinalityLimiter({
    maxValues: 0,
    overflow: (value) => {
      if (value === "a") throw new Error("careless");
      return 7 as unknown as string;
    },
  });
  assert.deepEqual(foldAll(careless, ["a", "b"]), ["other", "other"]);
  assert.equal(careless.stats().failed, 2);
});

test("allow alone is a closed list; with maxValues it comes on top", () => {
  const closed = new CardinalityLimiter({ allow: ["GET", "PUT"] });
  assert.deepEqual(foldAll(closed, ["GET", "BREW", "PUT"]), ["GET", "other", "PUT"]);
  assert.equal(closed.stats().refused, 1);
  assert.equal(closed.stats().overflowed, 0);
  const open = new CardinalityLimiter({ allow: ["GET", "PUT"], maxValues: 1 });
  assert.deepEqual(foldAll(open, ["GET", "A", "B", "PUT"]), ["GET", "A", "other", "PUT"]);
  assert.equal(open.stats().overflowed, 1);
});

test("values are cut by code points, halves of pairs included", () => {
  const limiter = new CardinalityLimiter({ maxLength: 2 });
  const cuts = (value: string, text: string) => assert.equal(limiter.fold(value), text);
  cuts("abc", "ab");
  cuts("😀😀😀", "😀😀");
  cuts("😀😀", "😀😀");
  cuts("\ud83d\ud83d\ud83d", "\ud83d\ud83d");
  assert.equal(limiter.stats().cut, 3);
  assert.equal(limiter.stats().values, 3);
});

test("what is no text", () => {
  const limiter = new CardinalityLimiter();
  const fold = limiter.fold as (value: unknown) => string;
  assert.deepEqual([200, true, "", null, undefined, {}, Symbol("s"), () => 1, 1n].map(fold), [
    "200",
    "true",
    ...Array.from({ length: 7 }, () => ""),
  ]);
  assert.equal(limiter.stats().failed, 4);
});

test("names of objects' own things are values like others", () => {
  const limiter = new CardinalityLimiter({ maxValues: 3 });
  assert.deepEqual(foldAll(limiter, ["__proto__", "constructor", "toString", "hasOwnProperty"]), [
    "__proto__",
    "constructor",
    "toString",
    "other",
  ]);
});

test("top: a value that comes late and often gets the place of the rarest", () => {
  const replaced: string[] = [];
  const limiter = new CardinalityLimiter({
    maxValues: 2,
    policy: "top",
    windowSize: 100,
    onReplaced: (value) => replaced.push(value),
  });
  const run = (values: readonly string[], times: number) => {
    let last: string[] = [];
    for (let i = 0; i < times; i++) last = foldAll(limiter, values);
    return last;
  };
  run(["/a", "/b", "/a"], 30);
  assert.deepEqual(run(["/a", "/late", "/late", "/late"], 10), ["/a", "other", "other", "other"]);
  assert.deepEqual(run(["/a", "/late", "/late", "/late"], 60), ["/a", "/late", "/late", "/late"]);
  assert.deepEqual(replaced, ["/b"]);
  assert.equal(limiter.fold("/b"), "other");
  assert.equal(limiter.stats().replaced, 1);
});

test("top: values of equal frequency do not take places from each other", () => {
  const values = Array.from({ length: 40 }, (_, i) => `/v${i}`);
  const limiter = new CardinalityLimiter({ maxValues: 20, policy: "top", windowSize: 400 });
  const random = seededRandom(7);
  for (let i = 0; i < 40_000; i++) limiter.fold(values[Math.floor(random() * values.length)] as string);
  assert.ok(limiter.stats().replaced <= 2, `${limiter.stats().replaced} replaced`);
});

test("top finds the frequent ones among a flood, though the flood came first", () => {
  const limiter = new CardinalityLimiter({ maxValues: 10, policy: "top", windowSize: 5000 });
  for (let i = 0; i < 1000; i++) limiter.fold(`/scan/${i}`);
  const random = seededRandom(8);
  const kept = new Map<string, number>();
  for (let i = 0; i < 60_000; i++) {
    const value = random() < 0.5 ? `/scan/x${i}` : `/route/${Math.floor(random() * 10)}`;
    if (limiter.fold(value) === value && i > 30_000) kept.set(value, (kept.get(value) ?? 0) + 1);
  }
  assert.deepEqual(
    [...kept.keys()].sort(),
    Array.from({ length: 10 }, (_, i) => `/route/${i}`),
  );
  assert.equal(limiter.stats().replaced, 10);
});

test("top: replacements are bounded in a life, unless the caller removes what was replaced", () => {
  const seen = new Set<string>();
  const shift = (limiter: CardinalityLimiter) => {
    seen.clear();
    for (let phase = 0; phase < 50; phase++) {
      for (let i = 0; i < 1000; i++) seen.add(limiter.fold(`/phase/${phase}/${i % 4}`));
    }
    return seen.size - (seen.has("other") ? 1 : 0);
  };
  const options: CardinalityLimiterOptions = { maxValues: 4, policy: "top", windowSize: 200 };
  assert.equal(shift(new CardinalityLimiter(options)), 8);
  assert.equal(shift(new CardinalityLimiter({ ...options, maxReplacements: 3 })), 7);
  assert.equal(shift(new CardinalityLimiter({ ...options, maxReplacements: 0 })), 4);
  const alive = new Set<string>();
  const open = new CardinalityLimiter({ ...options, onReplaced: (value) => alive.delete(value) });
  for (let phase = 0; phase < 50; phase++) {
    for (let i = 0; i < 1000; i++) {
      const value = open.fold(`/phase/${phase}/${i % 4}`);
      if (value !== "other") alive.add(value);
      assert.ok(alive.size <= 4);
    }
  }
  assert.equal(open.stats().replaced, 49 * 4);
  const careless = new CardinalityLimiter({
    ...options,
    onReplaced: () => {
      throw new Error("careless");
    },
  });
  shift(careless);
  assert.ok(careless.stats().failed > 100);
});

test("any values: never more than allowed, each call counted once", () => {
  const overflow = fc.constantFrom<"other" | "hash">("other", "hash");
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a", "b", "c", "d")), { maxLength: 150 }),
      fc.record({
        maxValues: fc.nat(5),
        maxLength: fc.integer({ min: 1, max: 4 }),
        overflow,
        overflowBuckets: fc.integer({ min: 1, max: 3 }),
        policy: fc.constantFrom<"first" | "top">("first", "top"),
        windowSize: fc.integer({ min: 1, max: 20 }),
      }),
      (values, options) => {
        const limiter = new CardinalityLimiter(options);
        const written = new Set<string>();
        for (const value of values) {
          const folded = limiter.fold(value);
          written.add(folded);
          assert.ok([...folded].length <= Math.max(options.maxLength, "hash_00".length));
        }
        written.delete("");
        const { kept, overflowed, refused, entries, replaced } = limiter.stats();
        assert.equal(kept + overflowed + refused, values.length);
        assert.ok(written.size <= options.maxValues + replaced + options.overflowBuckets, [...written].join(" "));
        assert.ok(replaced <= options.maxValues);
        assert.ok(entries <= 10 * options.maxValues + options.overflowBuckets);
      },
    ),
    { numRuns: 100 },
  );
});

test("options that make no sense are named", () => {
  const refuses = (options: CardinalityLimiterOptions, error: RegExp) =>
    assert.throws(() => new CardinalityLimiter(options), error);
  refuses({ maxValues: -1 }, /maxValues is -1/);
  refuses({ maxLength: 0 }, /maxLength is 0/);
  refuses({ overflowBuckets: 0 }, /overflowBuckets is 0/);
  refuses({ windowSize: 0.5 }, /windowSize is 0.5/);
  refuses({ maxReplacements: Number.NaN }, /maxReplacements is NaN/);
  refuses({ policy: "best" as "top" }, /policy is best/);
  refuses({ overflow: "drop" as "other" }, /overflow is drop/);
});

/** Bytes on the heap that live through a collection while `make`'s result does. */
function heapBytes(make: () => unknown): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const made = make();
  collect();
  const bytes = process.memoryUsage().heapUsed - before;
  assert.ok(made !== null);
  return bytes;
}

const bytesMax = 1 << 20;

test("a million distinct values: memory and series are bounded, the rest is folded and counted", () => {
  const maxValues = 100;
  const overflowBuckets = 64;
  const cases = (["first", "top"] as const).flatMap((policy) =>
    (["other", "hash"] as const).map((overflow) => ({
      limiter: new CardinalityLimiter({ maxValues, overflow, overflowBuckets, policy }),
      written: new Set<string>(),
      foldedMax: overflow === "hash" ? overflowBuckets : 1,
      name: `${policy} ${overflow}`,
    })),
  );
  const bytes = heapBytes(() => {
    for (let i = 0; i < 1_000_000; i++) {
      const rare = `/customer/${i}/orders`;
      for (const { limiter, written } of cases) written.add(limiter.fold(rare));
      if ((i & 7) !== 0) continue;
      const frequent = `/frequent/${i % 5}`;
      for (const { limiter, written } of cases) written.add(limiter.fold(frequent));
    }
    return cases;
  });
  assert.ok(bytes < bytesMax, `${bytes} bytes`);
  for (const { limiter, written, foldedMax, name } of cases) {
    const { values, kept, overflowed, entries, replaced } = limiter.stats();
    assert.equal(values, maxValues, name);
    assert.equal(kept + overflowed, 1_125_000, name);
    assert.ok(overflowed >= 1_000_000 - maxValues, name);
    assert.ok(written.size <= maxValues + replaced + foldedMax, `${name}: ${written.size} values written`);
    assert.ok(replaced <= 5, `${name}: ${replaced} replaced`);
    assert.ok(entries <= 10 * maxValues + overflowBuckets, `${name}: ${entries} entries`);
  }
});

test("that measure fails what keeps every value", () => {
  const values = new Set<string>();
  const bytes = heapBytes(() => {
    for (let i = 0; i < 30_000; i++) values.add(`/customer/${i}/orders`);
    return values;
  });
  assert.ok(bytes > bytesMax, `${bytes} bytes`);
});

test("a value that is kept does not keep alive the text it was cut from", () => {
  const limiter = new CardinalityLimiter({ maxLength: 40 });
  const bytes = heapBytes(() => {
    for (let i = 0; i < 50; i++) limiter.fold(`${i}${"x".repeat(100_000)}`);
    for (let i = 0; i < 50; i++) limiter.fold(`${"x".repeat(100_000)}${i} a path of moderate length`.slice(100_000));
    return limiter;
  });
  assert.equal(limiter.stats().values, 100);
  assert.ok(bytes < bytesMax, `${bytes} bytes`);
});

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
