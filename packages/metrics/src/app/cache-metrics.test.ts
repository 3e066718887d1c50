import assert from "node:assert/strict";
import { test } from "node:test";
import { CacheMetrics } from "./cache-metrics.ts";
import { instrumentCache } from "./instrumented-cache.ts";
import { Readings } from "./manual-reader.test.support.ts";

/** Hits, misses, evictions, errors. */
async function counts(readings: Readings, cache: string): Promise<(number | undefined)[]> {
  const names = ["hits", "misses", "evictions", "errors"];
  return Promise.all(names.map(async (name) => (await readings.values(`cache_${name}_total`))[`cache=${cache}`]));
}

test("CacheMetrics: the name is bound once, objects of one name count together", async () => {
  const readings = new Readings();
  const first = new CacheMetrics("sessions", { meter: readings.meter });
  const second = new CacheMetrics("sessions", { meter: readings.meter });
  new CacheMetrics("__proto__", { meter: readings.meter }).recordMiss();
  first.recordHit();
  second.recordHit();
  first.recordMiss();
  second.recordEviction();
  first.onDispose("value", "key", "evict");
  first.onDispose("value", "key", "delete");
  first.recordError();
  assert.deepEqual(await counts(readings, "sessions"), [2, 1, 2, 1]);
  assert.deepEqual(await counts(readings, "__proto__"), [0, 1, 0, 0]);
  first.recordLatency("get", 2);
  first.recordLatency("get", Number.NaN);
  first.recordLatency(Symbol("x") as never, 1);
  for (let i = 0; i < 1000; i++) first.recordLatency(`operation${i}`, 1);
  const durations = await readings.points("cache_operation_duration_seconds");
  assert.deepEqual(durations.get("cache=sessions,operation=get"), { count: 1, sum: 0.002 });
  assert.equal(durations.size, 31);
  assert.deepEqual(await readings.values("metrics_dropped_values_total"), {
    "instrument=cache_operation_duration_seconds": 1,
  });
  await readings.close();
});

test("instrumentCache: a Map stays a Map", async () => {
  const readings = new Readings();
  const map = new Map([["a", 1]]);
  const cache = instrumentCache(map, "map", { meter: readings.meter });
  assert.ok(cache instanceof Map);
  assert.equal(cache.set("b", 2).set("c", 0), cache, "chained sets stay on the instrumented one");
  assert.equal(cache.get("a"), 1);
  assert.equal(cache.get("c"), 0, "0 is a value");
  assert.equal(cache.get("x"), undefined);
  assert.equal(cache.has("x"), false);
  assert.equal(cache.size, 3);
  assert.deepEqual(
    [...cache],
    [
      ["a", 1],
      ["b", 2],
      ["c", 0],
    ],
  );
  cache.forEach((value, key, self) => {
    assert.equal(self.get(key), value);
  });
  assert.equal(cache.get, cache.get, "a method is the same each time");
  assert.equal(cache.delete("a"), true);
  assert.equal(cache.constructor, Map);
  cache.clear();
  assert.equal(map.size, 0);
  assert.deepEqual(await counts(readings, "map"), [2, 1, 0, 0]);
  const durations = await readings.values("cache_operation_duration_seconds");
  assert.deepEqual(durations, {
    "cache=map,operation=set": 2,
    "cache=map,operation=get": 3,
    "cache=map,operation=has": 1,
    "cache=map,operation=delete": 1,
    "cache=map,operation=clear": 1,
  });
  await readings.close();
});

/** An LRU as people write them: private fields, a setter, methods that call each other, a hook. */
class Lru<V> {
  readonly #entries = new Map<string, V>();
  #max = 2;
  onEvict: (() => void) | null = null;
  get max(): number {
    return this.#max;
  }
  set max(value: number) {
    this.#max = value;
  }
  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    this.#entries.delete(this.#entries.keys().next().value as string);
    this.onEvict?.();
  }
}

test("instrumentCache: private fields, setters, calls inside the cache, evictions", async () => {
  const readings = new Readings();
  const metrics = new CacheMetrics("lru", { meter: readings.meter });
  const cache = instrumentCache(new Lru<number>(), metrics);
  cache.onEvict = () => metrics.recordEviction();
  cache.max = 1;
  cache.set("a", 1);
  cache.set("b", 2);
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.get("b"), 2);
  assert.equal(cache.max, 1);
  assert.deepEqual(await counts(readings, "lru"), [1, 1, 1, 0]);
  assert.equal((await readings.values("cache_operation_duration_seconds"))["cache=lru,operation=set"], 2);
  await readings.close();
});

test("instrumentCache: answers by promise", async () => {
  const readings = new Readings();
  const store = new Map<string, string>([["a", "1"]]);
  const redis = {
    async get(key: string): Promise<string | null> {
      if (key === "bad") throw new Error("READONLY");
      return store.get(key) ?? null;
    },
    async set(key: string, value: string): Promise<string> {
      store.set(key, value);
      return "OK";
    },
    // A query builder: asking it for `then` and calling that would start it.
    lazy: 0,
    pipeline() {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      return { then: () => redis.lazy++ };
    },
  };
  const cache = instrumentCache(redis, "redis", {
    meter: readings.meter,
    reads: ["get", "pipeline"],
    durations: "async",
  });
  assert.equal(await cache.get("a"), "1");
  assert.equal(await cache.get("b"), null);
  assert.equal(await cache.set("b", "2"), "OK");
  await assert.rejects(cache.get("bad"), /READONLY/);
  cache.pipeline();
  assert.equal(redis.lazy, 0);
  assert.deepEqual(await counts(readings, "redis"), [1, 1, 0, 1]);
  assert.deepEqual(await readings.values("cache_operation_duration_seconds"), {
    "cache=redis,operation=get": 3,
    "cache=redis,operation=set": 1,
  });
  await readings.close();
});

test("instrumentCache: what throws goes on throwing", async () => {
  const readings = new Readings();
  const boom = new Error("boom");
  const cache = instrumentCache(
    {
      get(key: string): number {
        if (key === "boom") throw boom;
        return -1;
      },
      set(_key: string, _value: number): void {},
    },
    "faulty",
    {
      meter: readings.meter,
      isHit: (value) => {
        if (value === -1) throw new Error("isHit");
        return true;
      },
    },
  );
  assert.throws(
    () => cache.get("boom"),
    (error) => error === boom,
  );
  assert.equal(cache.get("a"), -1);
  assert.deepEqual(await counts(readings, "faulty"), [1, 0, 0, 2]);
  assert.throws(() => instrumentCache(null as never, "none", { meter: readings.meter }), /get method/);
  assert.throws(() => instrumentCache({} as never, "none", { meter: readings.meter }), /get method/);
  const frozen = Object.freeze({ get: () => 1, set: () => 1 });
  assert.throws(() => instrumentCache(frozen, "frozen", { meter: readings.meter }), /frozen/);
  await readings.close();
});

test("instrumentCache: a rejection nobody handles is still unhandled, a handled one is not", async () => {
  const readings = new Readings();
  const cache = instrumentCache({ get: () => Promise.reject(new Error("down")), set: () => undefined }, "down", {
    meter: readings.meter,
  });
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", note);
  try {
    await cache.get().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(unhandled.length, 0);
    void cache.get();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(unhandled.length, 1);
  } finally {
    process.removeListener("unhandledRejection", note);
    for (const other of others) process.on("unhandledRejection", other);
  }
  await readings.close();
});
