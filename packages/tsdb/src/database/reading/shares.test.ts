/** Queries that other readers help with: the same answers, whoever helps, and whatever becomes of them meanwhile. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { QueryResult } from "../../query/result.ts";
import { QueryTrace } from "../../query/trace.ts";
import { type Database, openDatabase } from "../database.ts";
import type { QueryRangeOptions } from "../queries.ts";
import { Claims } from "./claims.ts";
import type { ServedReader } from "./host.ts";
import type { Peer } from "./peer.ts";
import { connectReader, type Reader } from "./reader.ts";
import { ReaderThread } from "./testing/reader-thread.ts";

const NOW = Date.UTC(2026, 5, 15, 12);
const RANGE: QueryRangeOptions = { startMs: NOW, endMs: NOW + 600_000, stepMs: 15_000, nowMs: NOW + 600_000 };
const DIALECTS = ["metricsql", "promql"] as const;
/** Values of the rows below are such that no sum of them is rounded. */
const TEXTS = [
  "sum by (job) (m)",
  "max(max_over_time(m[2m]))",
  "count by (instance) (m)",
  "avg without (instance) (m)",
  "sum(m) / count(m) + topk(1, sum by (job) (m))",
  "rate(m[2m])",
  "max_over_time(m[2m]) - on (instance) group_left () m",
];

const rowsOf = (series: number, samples: number, fromMs = NOW) =>
  Array.from({ length: series }, (_, i) => ({
    labels: { __name__: "m", job: `job${i % 3}`, instance: `host${i}` },
    timestamps: Array.from({ length: samples }, (_, k) => fromMs + 15_000 * k),
    values: Float64Array.from({ length: samples }, (_, k) => i + k),
  }));

async function inFolder(use: (db: Database, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-shares-"));
  const db = await openDatabase(folder, { futureRetentionMs: 1e12, retentionMs: 1e12 });
  try {
    await use(db, folder);
  } finally {
    await db.close();
    await rm(folder, { recursive: true });
  }
}

interface Met {
  readonly reader: Reader;
  readonly served: ServedReader;
  /** The others, as this one knows them. */
  readonly peers: Peer[];
}

/** Readers on this thread that all know each other. */
function readersOf(db: Database, count: number, shareSamples = 1): Met[] {
  const met = Array.from({ length: count }, (): Met => {
    const { port1, port2 } = new MessageChannel();
    const served = db.serveReader(port1);
    return { served, reader: connectReader(port2, { shareSamples }), peers: [] };
  });
  met.forEach((one, i) => {
    for (const other of met.slice(i + 1)) {
      const { port1, port2 } = new MessageChannel();
      one.peers.push(one.reader.meet(port1));
      other.peers.push(other.reader.meet(port2));
    }
  });
  return met;
}

function end(met: readonly Met[]): void {
  for (const { reader, peers } of met) {
    for (const peer of peers) peer.close();
    reader.close();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 2_000, "it does not come to be so");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function allGivenBack(met: readonly Met[]): Promise<void> {
  await until(() =>
    met.every(
      ({ served, peers }) =>
        served.openSnapshots === 0 && peers.every(({ load }) => load.asked === 0 && load.helping === 0),
    ),
  );
}

const plain = ({ series, isPartial, stats }: QueryResult): unknown => ({
  series: series.map(({ labels, timestamps, values }) => [String(labels), [...timestamps], [...values]]),
  isPartial,
  samplesRead: stats.samplesRead,
  seriesFetched: stats.seriesFetched,
});

test("answers are the same with any helpers and with none: head, parts, months, links and joins by labels", async () => {
  await inFolder(async (db) => {
    const met = readersOf(db, 4);
    const [{ reader, peers }] = met as [Met];
    const check = async (options: QueryRangeOptions = RANGE): Promise<void> => {
      for (const dialect of DIALECTS) {
        for (const text of TEXTS) {
          const own = plain(await db.queryRange(text, { ...options, dialect }));
          for (const helpers of [[], peers.slice(0, 1), peers]) {
            assert.deepEqual(plain(await reader.queryRange(text, { ...options, dialect, helpers })), own, text);
          }
        }
      }
    };
    await db.append(rowsOf(40, 10));
    await check();
    await db.flush();
    await check();
    // Some are in the head as well, some in the head alone, some in the part alone.
    await db.append(rowsOf(60, 10, NOW + 150_000).slice(20));
    await check();
    await db.append(rowsOf(50, 10, NOW - 20 * 86_400_000));
    const wide = { ...RANGE, startMs: NOW - 20 * 86_400_000, stepMs: 86_400_000 };
    await check(wide);
    await db.merge();
    await check(wide);
    await db.delete({ groups: [[{ label: "job", op: "=", value: "job1" }]], minMs: NOW, maxMs: NOW + 60_000 });
    await check(wide);
    await allGivenBack(met);
    end(met);
  });
});

test("joins by labels: series of parts that no link tells about", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-shares-"));
  const first = await openDatabase(folder, { futureRetentionMs: 1e12 });
  await first.append(rowsOf(40, 10));
  await first.append(rowsOf(30, 10, NOW - 20 * 86_400_000));
  await first.close();
  const db = await openDatabase(folder, { futureRetentionMs: 1e12 });
  const met = readersOf(db, 2);
  const [{ reader, peers: helpers }] = met as [Met];
  await db.append(rowsOf(50, 10, NOW + 150_000));
  const options = { ...RANGE, startMs: NOW - 20 * 86_400_000, stepMs: 3_600_000 };
  for (const text of TEXTS) {
    assert.deepEqual(
      plain(await reader.queryRange(text, { ...options, helpers })),
      plain(await db.queryRange(text, options)),
    );
  }
  end(met);
  await db.close();
  await rm(folder, { recursive: true });
});

test("the database's own thread adds up in the same shares", async () => {
  await inFolder(async (db) => {
    // Enough for two. Sums of such values are rounded.
    const rows = rowsOf(9_000, 3).map((row, i) => ({ ...row, values: row.values.map((v) => (v + i) / 3 + 1e-7) }));
    await db.append(rows.slice(0, 5_000));
    await db.flush();
    await db.append(rows.slice(5_000));
    const met = readersOf(db, 2, 400_000);
    const [{ reader, peers }] = met as [Met];
    let differences = 0;
    for (const dialect of DIALECTS) {
      for (const text of ["sum(m)", "avg by (job) (m)", "stddev(sum_over_time(m[1m]))", "max(m)"]) {
        const own = plain(await db.queryRange(text, { ...RANGE, dialect, helpers: [] }));
        for (const helpers of [[], peers]) {
          assert.deepEqual(plain(await reader.queryRange(text, { ...RANGE, dialect, helpers })), own, text);
        }
        const whole = plain(await db.queryRange(text, { ...RANGE, dialect }));
        differences += Number(JSON.stringify(whole) !== JSON.stringify(own));
      }
    }
    assert.ok(differences > 0, "the order of additions does not show");
    end(met);
  });
});

test("who has no time is not asked, and stops between two shares", async () => {
  await inFolder(async (db) => {
    await db.append(rowsOf(60, 20));
    const want = plain(await db.queryRange("sum by (job) (m)", RANGE));
    const [first, second] = readersOf(db, 2) as [Met, Met];
    let hasTime = 0;
    let asked = 0;
    const { port1, port2 } = new MessageChannel();
    const peer = first.reader.meet(port1, { isFree: () => ++asked < 4 });
    const other = second.reader.meet(port2, { hasTime: () => --hasTime > 0 });
    for (const time of [0, 1, 2, 3, 1_000]) {
      hasTime = time;
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(plain(await first.reader.queryRange("sum by (job) (m)", { ...RANGE, helpers: [peer] })), want);
      }
    }
    assert.ok(asked >= 15);
    assert.ok(peer.isOpen && !peer.isFree);
    for (const one of [peer, other]) one.close();
    await allGivenBack([first, second]);
    end([first, second]);
  });
});

test("few samples are not worth a share", async () => {
  await inFolder(async (db) => {
    await db.append(rowsOf(50, 10));
    const met = readersOf(db, 2, 1_000_000);
    const [{ reader, peers: helpers }] = met as [Met];
    const trace = new QueryTrace("test");
    await reader.queryRange("sum(m)", { ...RANGE, helpers, trace });
    assert.doesNotMatch(JSON.stringify(trace), /share/);
    end(met);
  });
});

test("threads help each other, and one that is ended in the middle leaves its shares to the others", async () => {
  await inFolder(async (db) => {
    await db.append(rowsOf(3_000, 100));
    await db.flush();
    await db.append(rowsOf(3_000, 20, NOW + 1_500_000));
    const options = { ...RANGE, endMs: NOW + 1_800_000 };
    const text = "sum by (job) (avg_over_time(m[10m]) + 0) + sum by (job) (increase(m[10m]))";
    const job = { kind: "queryRange", text, options, isHelped: true } as const;
    const first = new ReaderThread(db, { shareSamples: 20_000 });
    const want = await first.do(job);
    assert.ok((want as unknown[]).length === 3);
    for (let round = 0; round < 8; round++) {
      const helper = new ReaderThread(db, { shareSamples: 20_000 });
      first.meet(helper);
      // It opens files, or has done so before.
      if (round % 2 === 1) await helper.do(job);
      const running = first.start(job);
      const delayMs = [0, 2, 5, 10, 20, 30, 50, 80][round] as number;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await helper.kill();
      assert.deepEqual(await running.done, want, `killed after ${delayMs} ms`);
      assert.equal(helper.served.openSnapshots, 0);
    }
    await until(() => first.served.openSnapshots === 0);
    await first.kill();
  });
});

test("a query that is cancelled, or fails, ends everywhere", async () => {
  await inFolder(async (db) => {
    await db.append(rowsOf(300, 100));
    await db.flush();
    const met = readersOf(db, 3);
    const [{ reader, peers: helpers }] = met as [Met];
    for (let round = 0; round < 12; round++) {
      const stopping = new AbortController();
      const running = reader.queryRange("sum(rate(m[10m]))", { ...RANGE, helpers, signal: stopping.signal });
      for (let turn = 0; turn < 2 * round; turn++) await new Promise((resolve) => setImmediate(resolve));
      stopping.abort(new Error("stopped"));
      // What is there at once is read without a pause: only who is stopped before it begins is sure to be.
      await running.then(
        () => assert.ok(round > 0),
        (error: Error) => assert.equal(error.message, "stopped"),
      );
      await allGivenBack(met);
    }
    for (const dialect of DIALECTS) {
      const options = { ...RANGE, dialect, helpers };
      const { stats } = await reader.queryRange("sum(rate(m[10m]))", options);
      await reader.queryRange("sum(rate(m[10m]))", { ...options, maxSamples: stats.samplesRead });
      for (const limits of [
        { maxSamples: stats.samplesRead - 1 },
        { maxSamplesPerSeries: 3 },
        { maxSeries: 299 },
        { maxMemoryBytes: 100 },
      ]) {
        const text = "sum by (instance) (rate(m[10m]))";
        const alone = await db.queryRange(text, { ...RANGE, dialect, ...limits }).catch(({ status }) => status);
        const helped = await reader.queryRange(text, { ...options, ...limits }).catch(({ status }) => status);
        // Columns are asked for by the thousand groups.
        assert.equal(helped === 422, alone === 422);
        assert.ok(helped === 422 || (dialect === "metricsql" && "maxMemoryBytes" in limits), JSON.stringify(limits));
        await allGivenBack(met);
      }
    }
    end(met);
  });
});

test("a helper without its database does not help, and nobody waits for it", async () => {
  await inFolder(async (db) => {
    await db.append(rowsOf(100, 20));
    const met = readersOf(db, 3);
    const [first, second, third] = met as [Met, Met, Met];
    const want = plain(await db.queryRange("sum by (job) (m)", RANGE));
    second.reader.close();
    const ask = async (): Promise<unknown> =>
      plain(await first.reader.queryRange("sum by (job) (m)", { ...RANGE, helpers: first.peers }));
    assert.deepEqual(await ask(), want);
    for (const peer of third.peers) peer.close();
    await until(() => first.peers.some(({ isOpen }) => !isOpen));
    assert.deepEqual(await ask(), want);
    await until(() => first.served.openSnapshots === 0);
    end([first]);
    third.reader.close();
  });
});

test("damage that a helper meets makes the answer partial, and is the database's", async () => {
  await inFolder(async (db, folder) => {
    await db.append(rowsOf(40, 300));
    await db.flush();
    await db.append(rowsOf(40, 300, NOW + 1e8));
    await db.flush();
    const [month] = await readdir(join(folder, "data"));
    const parts = join(folder, "data", month as string, "parts");
    for (const name of await readdir(parts)) {
      const bytes = await readFile(join(parts, name));
      bytes.fill(0x55, 40, 60);
      await writeFile(join(parts, name), bytes);
    }
    const met = readersOf(db, 2);
    const [{ reader, peers: helpers }] = met as [Met];
    const options = { ...RANGE, endMs: NOW + 1e8 + 4e6, stepMs: 100_000, maxPointsPerSeries: 1e5 };
    const helped = await reader.queryRange("count(last_over_time(m[5m]))", { ...options, helpers });
    assert.equal(helped.isPartial, true);
    await until(() => db.stats().corruptBlocks > 0);
    const own = await db.queryRange("count(last_over_time(m[5m]))", options);
    assert.deepEqual([...(helped.series[0]?.values ?? [])], [...(own.series[0]?.values ?? [])]);
    end(met);
  });
});

test("each share is claimed once", () => {
  const claims = Claims.of(5);
  const other = Claims.over(claims.cells);
  assert.deepEqual([claims.next(1), other.next(2), other.next(2), claims.next(1)], [0, 1, 2, 3]);
  assert.deepEqual([claims.holderOf(0), claims.holderOf(2), claims.holderOf(4)], [1, 2, 0]);
  claims.end();
  assert.equal(other.next(2), -1);
  assert.equal(claims.holderOf(2), 2);
});
