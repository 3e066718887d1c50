/**
 * Random programs: a reader answers what the database answers at the same time, whatever is flushed, merged, deleted and forgotten meanwhile. Months have
 * their edges in the middle of it, some programs have rules, and all have several tenants and readers.
 *
 *     NYANZA_PROGRAMS=1000 NYANZA_SEED=7 node tools/dist/test.js reading/programs
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { ManualClock, systemClock } from "../../base/clock.ts";
import { Random } from "../../base/random.ts";
import type { Tenant } from "../../base/tenant.ts";
import { RealDisk } from "../../disk/real-disk.ts";
import type { FilterGroups } from "../../metricsql/ast.ts";
import { defaultStorageOptions } from "../../storage/options.ts";
import { NO_RULES, type SampleRules } from "../../storage/rules/sample-rules.ts";
import { Storage } from "../../storage/storage.ts";
import { Database } from "../database.ts";
import type { Queries, QueryOptions } from "../queries.ts";
import type { Peer } from "./peer.ts";
import { connectReader } from "./reader.ts";
import { type Found, readCursor } from "./testing/found.ts";
import { ReaderThread } from "./testing/reader-thread.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Minutes before a month ends. */
const START_MS = Date.UTC(2026, 6, 1) - 30 * MINUTE;
const TENANTS: readonly Tenant[] = [
  { accountId: 0, projectId: 0 },
  { accountId: 7, projectId: 3 },
];
const RULES: readonly SampleRules[] = [
  NO_RULES,
  NO_RULES,
  { ...NO_RULES, dedupMs: 30_000 },
  { ...NO_RULES, retentions: [{ groups: [[{ label: "job", op: "=", value: "b" }]], retentionMs: 2 * DAY }] },
  {
    ...NO_RULES,
    downsampling: [{ groups: null, aggregate: "avg", steps: [{ offsetMs: DAY, intervalMs: 5 * MINUTE }] }],
  },
];
const GROUPS: readonly FilterGroups[] = [
  [[{ label: "__name__", op: "!=", value: "" }]],
  [[{ label: "job", op: "=", value: "a" }]],
  [
    [
      { label: "job", op: "!=", value: "a" },
      { label: "__name__", op: "=~", value: "m1.*" },
    ],
  ],
  [[{ label: "job", op: "=~", value: "b|c" }], [{ label: "__name__", op: "=", value: "m3" }]],
];

class Program {
  readonly random: Random;
  readonly clock: ManualClock;
  readonly db: Database;
  readonly storage: Storage;
  private youngest = 20;
  private readonly working: Promise<unknown>[] = [];

  constructor(random: Random, storage: Storage, clock: ManualClock) {
    this.random = random;
    this.storage = storage;
    this.clock = clock;
    this.db = new Database(storage, clock, 0);
  }

  async append(): Promise<void> {
    const { random, clock } = this;
    const rows = Array.from({ length: 1 + random.below(20) }, () => {
      // A window of names that moves on, and now and then one from long ago.
      const name = random.chance(0.1) ? random.below(this.youngest) : this.youngest - random.below(15);
      const agoMs = random.below(random.chance(0.2) ? 70 * DAY : 10 * MINUTE);
      const timestamps = Array.from({ length: 1 + random.below(5) }, (_, i) => clock.nowMs() - agoMs + 1_000 * i);
      return {
        labels: { __name__: `m${name}`, job: "abc"[name % 3] as string },
        timestamps,
        values: timestamps.map(() => random.below(100)),
      };
    });
    await this.db.append(rows, random.pick(TENANTS));
  }

  /** Begins something long. */
  start(): void {
    const { db, random } = this;
    const works = [() => db.flush(), () => db.flush(), () => db.merge(), () => db.applyRules()];
    this.working.push(random.pick(works)());
  }

  async remove(): Promise<void> {
    const { db, random, clock } = this;
    const maxMs = clock.nowMs() - random.below(DAY);
    await db.delete({
      tenant: random.pick(TENANTS),
      groups: random.pick(GROUPS),
      minMs: maxMs - random.below(DAY),
      maxMs,
    });
  }

  pass(): void {
    this.youngest += this.random.below(20);
    this.clock.sleep(this.random.below(this.random.chance(0.1) ? 2 * DAY : 20 * MINUTE));
  }

  request(): { tenant: Tenant; groups: FilterGroups; minMs: number; maxMs: number } {
    const { random, clock } = this;
    const groups = random.pick(GROUPS);
    const tenant = random.pick(TENANTS);
    if (random.chance(0.4)) return { tenant, groups, minMs: 0, maxMs: Number.MAX_SAFE_INTEGER };
    const maxMs = clock.nowMs() - random.below(random.chance(0.5) ? 3 * DAY : 10 * MINUTE);
    return { tenant, groups, minMs: maxMs - random.below(random.chance(0.3) ? 60 * DAY : MINUTE * 30), maxMs };
  }

  async settle(): Promise<void> {
    await Promise.all(this.working.splice(0));
  }
}

const seeds = Math.ceil(Number(process.env["NYANZA_PROGRAMS"] ?? 10) / RULES.length);
const firstSeed = Number(process.env["NYANZA_SEED"] ?? 1);

type Request = ReturnType<Program["request"]>;

/** Answers to everything there is to ask; readers may have others to help them. */
async function ask(
  queries: Queries,
  request: Request,
  random: number,
  nowMs: number,
  helpers: Pick<QueryOptions, "helpers"> = {},
): Promise<unknown> {
  switch (random % 6) {
    case 0:
      return (await queries.labelNames(request)).items;
    case 1:
      return (await queries.labelValues("__name__", { ...request, limit: random % 3 })).items;
    case 2:
      return (await queries.series(request)).items.map(String);
    case 3: {
      const dialect = random % 5 === 0 ? "promql" : "metricsql";
      const startMs = nowMs - (random % 7 === 0 ? 40 * DAY : 20 * MINUTE);
      const stepMs = (nowMs - startMs) / 20;
      const options = { tenant: request.tenant, startMs, endMs: nowMs, stepMs, nowMs, dialect, ...helpers } as const;
      // Of whole numbers, so that no sum is rounded; and with names, by which series stay different.
      const rollup = dialect === "promql" ? "last_over_time" : "count_over_time";
      const { series } = await queries.queryRange(`sum by (job) (${rollup}({__name__!=""}[1d]))`, options);
      return series.map(({ labels, values }) => [String(labels), ...values]);
    }
    default:
      return await readCursor(await queries.export(request));
  }
}

for (const [index, rules] of RULES.entries()) {
  test(`readers answer as the database: rules ${index}`, async () => {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const random = new Random(seed * 100 + index);
      const folder = await mkdtemp(join(tmpdir(), "nyanza-reading-"));
      const clock = new ManualClock(START_MS);
      const storage = await Storage.open(new RealDisk(folder), {
        ...defaultStorageOptions,
        retentionMs: 50 * DAY,
        rules,
        headBytes: seed % 3 === 0 ? 1 : 1 << 24,
        headAgeMs: 5 * MINUTE,
        idleSeriesMin: 5,
        ...(seed % 2 === 0 ? { seriesBytes: 1 } : {}),
        clock,
        fsync: "never",
      });
      const program = new Program(random, storage, clock);
      const { db } = program;
      const readers = [1, 2].map(() => {
        const { port1, port2 } = new MessageChannel();
        return { served: db.serveReader(port1), reader: connectReader(port2, { clock, shareSamples: 1 }) };
      });
      const meeting = new MessageChannel();
      const peers = readers.map(({ reader }, i) => reader.meet(i === 0 ? meeting.port1 : meeting.port2));
      try {
        for (let step = 0; step < 60; step++) {
          const dice = random.below(20);
          if (dice < 8) await program.append();
          else if (dice < 10) program.pass();
          else if (dice < 11) await program.remove();
          else if (dice < 14) program.start();
          else if (dice < 15) await program.settle();
          else {
            const which = random.below(2);
            const { reader } = readers[which] as (typeof readers)[number];
            const helpers = random.pick([{}, { helpers: [] }, { helpers: [peers[which] as Peer] }]);
            const request = program.request();
            const what = random.below(60);
            const [own, others] = await Promise.all([
              ask(db, request, what, clock.nowMs()),
              ask(reader, request, what, clock.nowMs(), helpers),
            ]);
            assert.deepEqual(others, own, `seed ${seed}, step ${step}, ${what % 6} ${JSON.stringify(request)}`);
          }
        }
        await program.settle();
        const all = { tenant: TENANTS[0] as Tenant, groups: GROUPS[0] as FilterGroups, minMs: 0, maxMs: 2 ** 53 };
        for (const { reader, served } of readers) {
          assert.deepEqual(await ask(reader, all, 5, 0), await ask(db, all, 5, 0));
          for (let tries = 0; served.openSnapshots > 0; tries++) {
            assert.ok(tries < 1_000, "a snapshot is left");
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        }
        for (const [i, { reader }] of readers.entries()) {
          assert.deepEqual(peers[i]?.load, { asked: 0, helping: 0 });
          peers[i]?.close();
          reader.close();
        }
      } finally {
        await program.settle().catch(() => {});
        await db.close();
        await rm(folder, { recursive: true });
      }
    }
  });
}

test("another thread sees all that was acknowledged before it asked, and no sample twice or half, while it is written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-reading-"));
  const storage = await Storage.open(new RealDisk(folder), {
    ...defaultStorageOptions,
    headBytes: 1 << 20,
    headAgeMs: 1_000,
    idleSeriesMin: 10,
    fsync: "never",
  });
  const db = new Database(storage, systemClock, 0);
  const threads = [1, 2].map(() => new ReaderThread(db));
  const SERIES = 200;
  const START = Date.now() - 3_600_000;
  /** Samples of each series that were acknowledged. */
  const acked = new Array<number>(SERIES).fill(0);
  let isOver = false;
  /** Queries that each thread has made. */
  const made = threads.map(() => 0);
  const write = async (): Promise<void> => {
    const random = new Random(9);
    // A slow machine may have written all before a thread has asked anything.
    for (let round = 0; round < 300 || (round < 3000 && made.some((count) => count < 4)); round++) {
      const rows = Array.from({ length: 40 }, () => random.below(SERIES)).map((series) => ({
        series,
        count: 1 + random.below(40),
      }));
      const next = [...acked];
      await db.append(
        rows.map(({ series, count }) => {
          const from = next[series] as number;
          next[series] = from + count;
          const numbers = Array.from({ length: count }, (_, i) => from + i);
          // Every seventh comes late.
          const times = numbers.map((n) => START + 1_000 * (n % 7 === 6 ? n - 500_000 : n));
          return { labels: { __name__: "m", series: String(series) }, timestamps: times, values: numbers };
        }),
      );
      for (const [series, count] of next.entries()) acked[series] = count;
      if (round % 50 === 49) await db.flush();
      if (round % 130 === 129) await db.merge();
      // Others have their turn.
      if (round % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    isOver = true;
  };
  const read = async (thread: ReaderThread, place: number): Promise<void> => {
    while (!isOver) {
      const before = [...acked];
      const request = { tenant: TENANTS[0] as Tenant, groups: GROUPS[0] as FilterGroups, minMs: 0, maxMs: 2 ** 53 };
      const { series, isPartial }: Found = await thread.export(request);
      assert.equal(isPartial, false);
      for (const [number, least] of before.entries()) {
        if (least === 0) continue;
        const found = series[`m{series="${number}"}`];
        assert.ok(found !== undefined, `series ${number} is missing`);
        const bytes = Buffer.from(found.bits, "hex");
        const values = Array.from(found.times, (_, i) => bytes.readDoubleLE(8 * i)).sort((a, b) => a - b);
        assert.ok(values.length >= least, `series ${number}: ${values.length} of ${least}`);
        assert.ok(
          values.every((value, i) => value === i),
          `series ${number} has holes`,
        );
      }
      made[place] = (made[place] as number) + 1;
    }
  };
  try {
    await Promise.all([write(), ...threads.map(read)]);
    assert.ok(
      made.every((count) => count > 3),
      `${made} queries`,
    );
  } finally {
    for (const thread of threads) await thread.kill();
    await db.close();
    await rm(folder, { recursive: true });
  }
});
