/**
 * Bytes that changed on the disk: a flipped bit, a file cut short, a block of zeros, two blocks that changed places, in every kind of file. The database
 * is opened and read whole each time. Either it says that something is wrong, or nothing is: never other values, never less of them in silence, never
 * an error that is no verdict on a file. And what does not stand in the damaged file is served.
 *
 *     NYANZA_FLIPS=5000 npm run test:system -- flips
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CorruptionError, type Database, NewerFormatError, openDatabase } from "@nyanza/tsdb";
import { http } from "../support/http.ts";
import { mountMemory } from "../support/mounts.ts";
import { startNyanza } from "../support/nyanza.ts";
import { diceOf } from "../support/random-queries.ts";
import { type Scope, scoped, withScope } from "../support/scope.ts";
import { progress, report, sizeOf, trialMsMax } from "../support/trial.ts";

const flips = sizeOf("NYANZA_FLIPS", 300);
const seed = sizeOf("NYANZA_SEED", 1);
const dice = diceOf(seed);

const DAY = 86_400_000;
const nowMs = Date.now();
const seriesCount = 12;
const samplesPerSeries = 100;

/** Series and time → value, of everything there is. */
type Content = ReadonlyMap<string, number>;
type Verdict = "no effect" | "refused" | "partial" | "log cut";

/** The value that was written for a key of Content. */
function sentValueOf(key: string): number {
  const [round, series, ms] = key.split("/").map(Number) as [number, number, number];
  const j = (nowMs - (series % 2) * 35 * DAY - ms) / 15_000;
  return round * 1e6 + series * 1000 + (j % 7) * 0.25;
}

/** Two months of several parts and index segments, deletes, and a log with samples, as a kill leaves them. */
async function makeDatabase(folder: string): Promise<void> {
  const live = `${folder}-live`;
  const db = await openDatabase(live);
  for (let round = 0; round < 4; round++) {
    await db.append(
      Array.from({ length: seriesCount }, (_, i) => ({
        labels: { __name__: "flips", round: String(round), series: String(i), job: `job ${i % 3}` },
        timestamps: Array.from({ length: samplesPerSeries }, (_, j) => nowMs - (i % 2) * 35 * DAY - j * 15_000),
        values: Float64Array.from({ length: samplesPerSeries }, (_, j) => round * 1e6 + i * 1000 + (j % 7) * 0.25),
      })),
    );
    if (round < 3) await db.flush();
    if (round === 1)
      await db.delete({ groups: [[{ label: "series", op: "=~", value: "3|4" }]], maxMs: nowMs - 600_000 });
  }
  cpSync(live, folder, { recursive: true });
  rmSync(join(folder, "flock.lock"));
  await db.close();
  rmSync(live, { recursive: true });
}

async function read(db: Database): Promise<{ content: Content; isPartial: boolean }> {
  const content = new Map<string, number>();
  const everything = {
    groups: [[{ label: "__name__", op: "=", value: "flips" } as const]],
    minMs: 0,
    maxMs: nowMs + DAY,
  };
  const cursor = await db.export(everything);
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    let at = 0;
    for (const [i, labels] of batch.series.entries()) {
      for (; at < (batch.ends[i] as number); at++) {
        content.set(
          `${labels.get("round")}/${labels.get("series")}/${batch.timestamps[at]}`,
          batch.values[at] as number,
        );
      }
    }
  }
  const labels = await db.labelValues("series", everything);
  return { content, isPartial: cursor.isPartial || labels.isPartial };
}

/** What is missing although it was there, and a verdict. @throws AssertionError for a silent one */
async function judge(
  folder: string,
  whole: Content,
  what: string,
): Promise<{ verdict: Verdict; missing: Set<string> }> {
  const missing = new Set<string>();
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  let db: Database;
  try {
    db = await openDatabase(folder, { logger: { info: () => {}, warn: tell, error: tell } });
  } catch (error) {
    const isVerdict = error instanceof CorruptionError || error instanceof NewerFormatError;
    assert.ok(isVerdict, `${what}: ${(error as Error).stack}`);
    return { verdict: "refused", missing };
  }
  try {
    const { content, isPartial } = await read(db);
    for (const [key, value] of content) {
      // Who deleted it cannot know that it is back, so that must be said: as of what is missing.
      if (!whole.has(key)) assert.ok(isPartial, `${what}: ${key} was deleted, and is back in silence`);
      assert.equal(value, sentValueOf(key), `${what}: ${key}`);
    }
    for (const key of whole.keys()) if (!content.has(key)) missing.add(key);
    const { walBytesLost, walRowsUnnamed } = db.stats();
    const isLogCut = walBytesLost > 0 || walRowsUnnamed > 0;
    if (missing.size > 0) assert.ok(isPartial || isLogCut, `${what}: ${missing.size} samples are missing in silence`);
    if (isPartial || isLogCut) assert.ok(told.length > 0, `${what}: nothing was logged`);
    return { verdict: isPartial ? "partial" : isLogCut ? "log cut" : "no effect", missing };
  } finally {
    await db.close();
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
}

/** Changes a file's bytes. False if nothing changed. */
type Damage = (path: string) => boolean;

const blockBytes = 64;
const rewrite = (path: string, change: (bytes: Buffer) => Buffer): boolean => {
  const before = readFileSync(path);
  const after = change(Buffer.from(before));
  writeFileSync(path, after);
  return !after.equals(before);
};

const damages: Readonly<Record<string, { readonly count: number; readonly damage: Damage }>> = {
  "bit flips": {
    count: flips,
    damage: (path) =>
      rewrite(path, (bytes) => {
        // Every third one in the first or last bytes, where a file says what it is.
        const near = dice(3) === 0 ? dice(Math.min(bytes.length, 32)) : dice(bytes.length);
        const at = dice(2) === 0 ? near : bytes.length - 1 - near;
        bytes[at] = (bytes[at] as number) ^ (1 << dice(8));
        return bytes;
      }),
  },
  truncations: {
    count: Math.ceil(flips / 6),
    damage: (path) => rewrite(path, (bytes) => bytes.subarray(0, dice(bytes.length))),
  },
  "blocks of zeros": {
    count: Math.ceil(flips / 12),
    damage: (path) =>
      rewrite(path, (bytes) => {
        const at = dice(bytes.length);
        return bytes.fill(0, at, Math.min(bytes.length, at + blockBytes));
      }),
  },
  "exchanged blocks": {
    count: Math.ceil(flips / 12),
    damage: (path) =>
      rewrite(path, (bytes) => {
        const blocks = Math.floor(bytes.length / blockBytes);
        if (blocks < 2) return bytes;
        const [a, b] = [dice(blocks) * blockBytes, dice(blocks) * blockBytes];
        const first = Buffer.from(bytes.subarray(a, a + blockBytes));
        bytes.copyWithin(a, b, b + blockBytes);
        first.copy(bytes, b);
        return bytes;
      }),
  },
};

const kindOf = (path: string): string => /\.(\w+)$/.exec(path)?.[1] ?? path;

interface Prepared {
  readonly folder: string;
  readonly scratch: string;
  readonly whole: Content;
  /** By file: what is missing when that file is. */
  readonly depends: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A copy of the database to be damaged. */
function copy({ folder, scratch }: Pick<Prepared, "folder" | "scratch">): string {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch);
  cpSync(folder, scratch, { recursive: true });
  return scratch;
}

async function prepare(scope: Scope): Promise<Prepared> {
  const base = mountMemory(scope, 64);
  const [folder, scratch] = [join(base, "database"), join(base, "scratch")];
  await makeDatabase(folder);
  const db = await openDatabase(copy({ folder, scratch }));
  const { content: whole, isPartial } = await read(db);
  await db.close();
  assert.ok(!isPartial && whole.size > 3000, `${whole.size} samples`);
  const depends = new Map<string, Set<string>>();
  for (const path of filesOf(folder)) {
    copy({ folder, scratch });
    rmSync(join(scratch, path));
    const isLog = kindOf(path) === "log";
    // Of a log file that is missing nobody can know: it is what a crash before its first write leaves.
    const keys = isLog ? [...whole.keys()] : [...(await judge(scratch, whole, `without ${path}`)).missing];
    depends.set(path, new Set(keys));
  }
  return { folder, scratch, whole, depends };
}

test(
  `${flips} bit flips, and as much as a third of that of other damage: nothing silent, no crash`,
  { timeout: trialMsMax },
  scoped(async (scope) => {
    const prepared = await prepare(scope);
    const { folder, scratch, whole, depends } = prepared;
    const byKind = groupBy(filesOf(folder), kindOf);
    for (const kind of ["part", "idx", "del", "log", "MANIFEST"]) assert.ok(byKind.has(kind), `no ${kind} file`);
    const kinds = [...byKind.keys()];
    for (const [name, { count, damage }] of Object.entries(damages)) {
      const verdicts = new Map<Verdict, number>();
      for (let i = 0; i < count; i++) {
        const files = byKind.get(kinds[i % kinds.length] as string) as string[];
        const path = files[dice(files.length)] as string;
        copy(prepared);
        if (!damage(join(scratch, path))) continue;
        const what = `seed ${seed}, ${name} ${i}, ${path}`;
        const { verdict, missing } = await judge(scratch, whole, what);
        for (const key of missing) assert.ok(depends.get(path)?.has(key), `${what}: ${key} stands in another file`);
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        progress(name, i + 1, count);
      }
      const list = [...verdicts].map(([verdict, times]) => `${times} ${verdict}`).join(", ");
      report(`${name} in ${kinds.length} kinds of files`, `${count}`, `0 silent, 0 crashes (${list})`);
    }
  }),
);

function groupBy(items: readonly string[], keyOf: (item: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

test(
  "a server with a damaged part: it starts, serves the rest, says so in answers, metrics and log",
  { timeout: trialMsMax },
  scoped(async (scope) => {
    const prepared = await prepare(scope);
    for (const path of filesOf(prepared.folder).filter((file) => ["part", "idx"].includes(kindOf(file)))) {
      await withScope(async (inner) => {
        const file = join(copy(prepared), path);
        // In an index segment its first page: the texts of labels, which every answer needs. Its later pages do not all matter to one query.
        rewrite(file, (bytes) => {
          const at = kindOf(path) === "idx" ? 24 : bytes.length >> 1;
          return bytes.fill(0xa5, at, at + 40);
        });
        const { url, process } = await startNyanza(inner, { folder: prepared.scratch });
        const time = Math.round(nowMs / 1000);
        const query = encodeURIComponent("count(count_over_time(flips[60d]))");
        const answer = await http(`${url}/api/v1/query?query=${query}&time=${time}`);
        assert.equal(answer.status, 200, `${path}: ${answer.text}`);
        const { isPartial, data } = JSON.parse(answer.text) as {
          isPartial?: boolean;
          data: { result: { value: [number, string] }[] };
        };
        assert.equal(isPartial, true, `${path}: ${answer.text}`);
        const found = Number(data.result[0]?.value[1] ?? 0);
        assert.ok(found >= seriesCount * 2, `${path}: ${found} series of ${seriesCount * 4} are served`);
        const { text } = await http(`${url}/metrics`);
        const damaged = [...text.matchAll(/^vm_(?:quarantined_parts|corrupt_blocks_total)\S* (\d+)$/gm)];
        assert.ok(
          damaged.some(([, count]) => Number(count) > 0),
          `${path}: no metric says so`,
        );
        assert.ok(process.output.includes(path), `${path}: not in the log\n${process.tail()}`);
      });
    }
  }),
);
