/**
 * One database under trial and the model beside it: a disk in memory whose calls can be made to fail, a clock that stands still, and what may
 * happen to both. Every operation of a program is a few calls of this.
 */
import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import { Random } from "../../base/random.ts";
import { type Fault, FaultyDisk } from "../../disk/faulty-disk.ts";
import type { MemoryDisk } from "../../disk/memory-disk.ts";
import type { SampleCursor } from "../../query/source.ts";
import type { FsyncMode } from "../../storage/log/wal.ts";
import { type Database, openDatabase, type SeriesRows } from "../database.ts";
import { type Found, Model, type Point, SERIES, TENANTS } from "./model.ts";
import { DAY, type ModelRules, RuleModel, textsOf } from "./rule-model.ts";

export interface Settings {
  readonly retentionMs: number;
  /** 1: every write starts a flush. */
  readonly headBytes: number;
  /** With anything but `always` a program's crashes are kills, not power cuts. */
  readonly fsync: FsyncMode;
  /** Rules the database is opened with, first those and later the next; none if there are none. */
  readonly stages?: readonly ModelRules[];
}

/** How a process ends. */
export type Ending = "close" | "kill" | "power" | "lucky power";

export const FUTURE_MS: number = 2 * 86_400_000;
const ALL: FilterGroups = [[{ label: "__name__", op: "!=", value: "" }]];

export interface FailingCalls {
  readonly skip: number;
  readonly count: number;
  /** What the call must have in its description, see FaultyDisk. */
  readonly kind: string;
  readonly code: Fault["code"];
  readonly when: Fault["when"] | "lost";
}

/** A search that was begun and is read later. */
interface HeldSearch {
  readonly cursor: SampleCursor;
  readonly model: Model;
  readonly tenant: number;
  readonly oldestMs: number;
}

interface TakenSnapshot {
  readonly name: string;
  readonly model: Model;
}

export class World {
  readonly settings: Settings;
  model: Model = new Model();
  /** Asked of each writing call of the disk; null when all is well. */
  fault: ((what: string) => Fault | null) | null = null;
  /** Calls that failed since `failCalls`. */
  failures = 0;
  private disk: MemoryDisk;
  private clock: ManualClock;
  private database: Database | null = null;
  private readonly held: HeldSearch[] = [];
  private snapshots: TakenSnapshot[] = [];
  /** Models of snapshots that are being taken. */
  private readonly taking: Set<Model> = new Set();
  /** Null in programs without rules. */
  private rules: RuleModel | null = null;
  private stage = 0;

  private constructor(settings: Settings, disk: MemoryDisk, nowMs: number) {
    this.settings = settings;
    this.disk = disk;
    this.clock = new ManualClock(nowMs);
    this.setRules();
  }

  static async create(settings: Settings, disk: MemoryDisk, nowMs: number): Promise<World> {
    const world = new World(settings, disk, nowMs);
    await world.open();
    return world;
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  get oldestMs(): number {
    return Math.max(0, this.nowMs - this.settings.retentionMs);
  }

  /** What searches are to answer. */
  private get answers(): Model {
    return this.rules === null ? this.model : this.model.ruled(this.rules, this.nowMs);
  }

  /** The open database. */
  get db(): Database {
    assert.ok(this.database !== null);
    return this.database;
  }

  /** Some of the next writing calls of the disk fail. `lost` is a failed sync after which the bytes are gone for good. */
  failCalls({ skip, count, kind, code, when }: FailingCalls): void {
    let seen = 0;
    this.failures = 0;
    this.fault = (what) => {
      if (!what.includes(kind)) return null;
      seen++;
      if (seen <= skip || seen > skip + count) return null;
      this.failures++;
      const file = /^sync (?!folder )(.*)$/.exec(what)?.[1];
      if (when === "lost" && file !== undefined) this.disk.loseUnsynced(file);
      return { code, when: when === "lost" ? "before" : when };
    };
  }

  /** A call that may fail only while the disk does. True if it did not. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    const couldFail = this.fault !== null;
    try {
      await work();
      return true;
    } catch (error) {
      if (!couldFail || error instanceof assert.AssertionError) throw error;
      return false;
    }
  }

  async write(tenant: number, drawn: readonly Point[]): Promise<void> {
    const points = this.defined(tenant, drawn);
    const kept = points.filter(({ ms }) => ms >= this.oldestMs && ms <= this.nowMs + FUTURE_MS);
    const before = [...this.taking];
    const isStored = await this.attempt(async () => {
      const outcome = await this.db.append(rowsOf(points), TENANTS[tenant]);
      const tooNew = points.filter(({ ms }) => ms > this.nowMs + FUTURE_MS).length;
      assert.equal(outcome.tooNew, tooNew, "too new");
      assert.equal(outcome.stored + outcome.tooOld, points.length - tooNew, "stored or too old");
      // After a restart the clock of retention may be behind: what is too old by the wall clock is taken then, but not shown.
      assert.ok(outcome.stored >= kept.length, `stored ${outcome.stored}, want ${kept.length}`);
    });
    this.model.write(tenant, kept, isStored);
    this.model.meet(tenant, points);
    for (const model of [...this.held.map((held) => held.model), ...before]) model.write(tenant, kept, false);
  }

  /** The samples of which it is said what comes of them, whatever is merged when. */
  private defined(tenant: number, points: readonly Point[]): readonly Point[] {
    const { rules, model, nowMs } = this;
    if (rules === null) return points;
    const seen = new Set<string>();
    return points.filter(({ series, ms }) => {
      const key = `${series} ${ms}`;
      const isRepeat = seen.has(key) || model.has(tenant, series, ms);
      seen.add(key);
      return rules.isDefined(SERIES[series] as Readonly<Record<string, string>>, tenant, ms, isRepeat, nowMs);
    });
  }

  /** Lets time pass; what is too old afterwards is gone. */
  pass(durationMs: number): void {
    // Not advance(): a month of five-second ticks would be half a million of them.
    this.clock.sleep(durationMs);
    this.model.expire(this.oldestMs);
  }

  async search(tenant: number, groups: FilterGroups, minMs: number, maxMs: number): Promise<void> {
    const cursor = await this.db.export({ tenant: TENANTS[tenant], groups, minMs, maxMs } as never);
    const found = await readAll(cursor);
    assert.ok(!cursor.isPartial, "partial");
    this.answers.check(tenant, groups, Math.max(minMs, this.oldestMs), maxMs, found);
  }

  async searchAll(): Promise<void> {
    for (const tenant of TENANTS.keys()) await this.search(tenant, ALL, 0, Number.MAX_SAFE_INTEGER);
  }

  async remove(tenant: number, groups: FilterGroups, fromMs: number, toMs: number): Promise<void> {
    // Part of an interval that one sample stands for is not to be deleted: intervals end where days do.
    const minMs = this.rules === null ? fromMs : Math.max(0, Math.floor((fromMs - 1) / DAY) * DAY + 1);
    const maxMs = this.rules === null ? toMs : Math.ceil(toMs / DAY) * DAY;
    const request = { tenant: TENANTS[tenant], groups, minMs, maxMs } as never;
    const isDone = await this.attempt(() => this.db.delete(request));
    this.model.remove(tenant, groups, minMs, maxMs, isDone);
  }

  /** Begins a delete that a crash will end: what becomes of it nobody knows. */
  beginRemove(tenant: number, groups: FilterGroups, minMs: number, maxMs: number): void {
    this.db.delete({ tenant: TENANTS[tenant], groups, minMs, maxMs } as never).catch(() => {});
    this.model.remove(tenant, groups, minMs, maxMs, false);
  }

  async takeSnapshot(): Promise<void> {
    await this.attempt(async () => {
      const { db } = this;
      // What is acknowledged before the call is in it, what is written meanwhile may be.
      const model = this.model.copy();
      this.taking.add(model);
      try {
        const name = await db.snapshot();
        // After a crash meanwhile it is the snapshot of a disk that is gone.
        if (db === this.database) this.snapshots.push({ name, model });
      } finally {
        this.taking.delete(model);
      }
    });
  }

  /** The database goes on as it was when a snapshot was taken. */
  async restore(which: number): Promise<void> {
    const { length } = this.snapshots;
    if (length === 0) return;
    const { name, model } = this.snapshots[which % length] as TakenSnapshot;
    this.disk = await this.disk.copyFolder(`snapshots/${name}`);
    this.snapshots = [];
    this.model = model;
    this.model.expire(this.oldestMs);
    await this.restart("kill", 0);
  }

  async deleteSnapshot(which: number): Promise<void> {
    const { length } = this.snapshots;
    if (length === 0) return;
    const [taken] = this.snapshots.splice(which % length, 1) as [TakenSnapshot];
    await this.attempt(async () => assert.ok(await this.db.deleteSnapshot(taken.name), "there is no such snapshot"));
  }

  /** Begins a search; what it finds is what is there now, whenever it is read, and perhaps some of what comes until then. */
  async holdSearch(tenant: number): Promise<void> {
    const { model, oldestMs } = this;
    const request = { tenant: TENANTS[tenant], groups: ALL, minMs: 0, maxMs: Number.MAX_SAFE_INTEGER };
    const cursor = await this.db.export(request as never);
    this.held.push({ cursor, model: model.copy(), tenant, oldestMs });
  }

  /** Reads the searches that were begun. */
  async readHeld(): Promise<void> {
    for (const { cursor, model, tenant, oldestMs } of this.held.splice(0)) {
      model.check(tenant, ALL, oldestMs, Number.MAX_SAFE_INTEGER, await readAll(cursor));
    }
  }

  /** Label sets, names and values: all of those that have samples in the range, and none that never had any. */
  async labels(tenant: number, groups: FilterGroups, minMs: number, maxMs: number): Promise<void> {
    const { certain, possible } = this.answers.series(tenant, groups, Math.max(minMs, this.oldestMs), maxMs);
    const request = { tenant: TENANTS[tenant], groups, minMs, maxMs } as never;
    const within = (found: readonly string[], least: Iterable<string>, most: Iterable<string>, what: string): void => {
      assert.equal(new Set(found).size, found.length, `${what}: one comes twice`);
      for (const text of least) assert.ok(found.includes(text), `${what}: ${text} is missing in ${found}`);
      const allowed = new Set(most);
      for (const text of found) assert.ok(allowed.has(text), `${what}: ${text} is too much`);
    };
    const labelsOf = (list: readonly number[]): Readonly<Record<string, string>>[] =>
      list.map((series) => SERIES[series] as Readonly<Record<string, string>>);
    const keysOf = (list: readonly number[]): string[] => labelsOf(list).map((labels) => keyOf(Object.entries(labels)));
    const names = (list: readonly number[]): string[] => labelsOf(list).flatMap((labels) => Object.keys(labels));
    const jobs = (list: readonly number[]): string[] =>
      labelsOf(list).flatMap(({ job }) => (job === undefined ? [] : [job]));
    const series = (await this.db.series(request)).items.map((labels) => keyOf(labels.entries()));
    within(series, keysOf(certain), keysOf(possible), "series");
    within((await this.db.labelNames(request)).items, names(certain), names(possible), "label names");
    within((await this.db.labelValues("job", request)).items, jobs(certain), jobs(possible), "values of job");
  }

  /** Ends the process and starts another one with what the disk has then. */
  async reopen(ending: Ending, luck: number): Promise<void> {
    await this.readHeld();
    if (ending === "close") await this.attempt(() => this.db.close());
    if (ending === "close" && this.settings.fsync !== "always") await this.restart("kill", luck);
    else await this.restart(ending === "close" ? "power" : ending, luck);
  }

  /** Closes the database and opens it with the next rules. */
  async reopenWithNextRules(): Promise<void> {
    this.stage = Math.min(this.stage + 1, (this.settings.stages?.length ?? 1) - 1);
    this.setRules();
    await this.reopen("close", 0);
  }

  private setRules(): void {
    const rules = this.settings.stages?.[this.stage];
    this.rules = rules === undefined ? null : new RuleModel(rules, this.settings.retentionMs);
  }

  /** Opens what a crash leaves. What the old process is at goes nowhere. */
  async restart(ending: Exclude<Ending, "close">, luck: number): Promise<void> {
    for (const { cursor } of this.held.splice(0)) cursor.close();
    const mayLose = this.settings.fsync === "always";
    if (ending === "kill" || !mayLose) this.disk = this.disk.kill();
    else this.disk = this.disk.crash(ending === "power" ? null : new Random(luck));
    this.database = null;
    // The monotonic clock of another process starts somewhere else.
    this.clock = new ManualClock(this.nowMs);
    if (!(await this.attempt(() => this.open()))) {
      this.fault = null;
      this.disk = this.disk.kill();
      await this.open();
    }
    await this.settle();
    const names = await this.db.snapshots();
    for (const { name } of this.snapshots) assert.ok(names.includes(name), `snapshot ${name} is gone`);
  }

  /** The disk is well again: whatever failed works without a restart. */
  async heal(): Promise<void> {
    this.fault = null;
    await this.becomeWritable();
    await this.searchAll();
    await this.db.flush();
    await this.searchAll();
  }

  /** A start without room for the manifest is read-only until the next look at the disk; one that is under way may still see the fault. */
  private async becomeWritable(): Promise<void> {
    for (let look = 0; look < 2; look++) {
      if (!this.db.stats().isReadOnly) return;
      this.clock.advance(5_000);
      for (let turn = 0; turn < 1_000 && this.db.stats().isReadOnly; turn++) await new Promise(setImmediate);
    }
    assert.equal(this.db.stats().isReadOnly, false, "there is room");
  }

  /** What is possible is decided by what is there. */
  private async settle(): Promise<void> {
    for (const [index, tenant] of TENANTS.entries()) {
      const cursor = await this.db.export({ tenant, groups: ALL, minMs: 0, maxMs: Number.MAX_SAFE_INTEGER });
      const found = await readAll(cursor);
      assert.ok(!cursor.isPartial, "partial after a restart");
      this.answers.check(index, ALL, this.oldestMs, Number.MAX_SAFE_INTEGER, found);
      // What is behind rules does not show, and there all is certain.
      if (this.rules === null) this.model.settle(index, found);
    }
  }

  private async open(): Promise<void> {
    const { retentionMs, headBytes, fsync } = this.settings;
    const disk = new FaultyDisk(this.disk, (_call, what) => this.fault?.(what) ?? false);
    const { clock } = this;
    this.database = await openDatabase("", {
      disk,
      clock,
      retentionMs,
      futureRetentionMs: FUTURE_MS,
      headBytes,
      fsync,
      ...(this.rules === null ? {} : textsOf(this.rules.rules)),
    });
  }
}

async function readAll(cursor: SampleCursor): Promise<Found> {
  const found = new Map<number, Map<number, string>>();
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    let at = 0;
    for (let i = 0; i < batch.series.length; i++) {
      const labels = batch.series[i] as Labels;
      const key = keyOf(labels.entries());
      const series = seriesByKey.get(key);
      assert.ok(series !== undefined, `${key} was never written`);
      assert.ok(!found.has(series), `${key} comes twice`);
      const samples = new Map<number, string>();
      const bytes = Buffer.from(batch.values.buffer, batch.values.byteOffset, batch.values.byteLength);
      let last = Number.NEGATIVE_INFINITY;
      for (; at < (batch.ends[i] as number); at++) {
        const ms = batch.timestamps[at] as number;
        assert.ok(ms > last, `${key}: ${ms} after ${last}`);
        last = ms;
        samples.set(
          ms,
          bytes
            .readBigUInt64LE(8 * at)
            .toString(16)
            .padStart(16, "0"),
        );
      }
      found.set(series, samples);
    }
  }
  return found;
}

function rowsOf(points: readonly Point[]): SeriesRows[] {
  return points.map(({ series, ms, bits }) => {
    const bytes = Buffer.from(bits, "hex").reverse();
    const values = new Float64Array(new Uint8Array(bytes).buffer);
    return { labels: SERIES[series] as Readonly<Record<string, string>>, timestamps: [ms], values };
  });
}

function keyOf(entries: Iterable<readonly [string, string]>): string {
  return JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const seriesByKey: ReadonlyMap<string, number> = new Map(
  SERIES.map((labels, series) => [keyOf(Object.entries(labels)), series]),
);
