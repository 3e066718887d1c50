import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TENANT, InputError } from "@nyanza/tsdb";
import type { PrintableResult } from "../api/answer.ts";
import type { InstantQuery, LabelsQuery, Listed, RangeQuery } from "../api/database.ts";
import type { LabelsTask } from "../api/labels.ts";
import { MemoryDatabase } from "../api/memory-database.ts";
import type { QueryTask } from "../api/query-task.ts";
import type { Desk, Evaluated } from "../api/task-runner.ts";
import type { ReadTask } from "../api/tasks.ts";
import { Dispatcher, SMALL } from "./dispatcher.ts";

/** Queries are as large as their text says: `series:100`, `ms:50`, `wait`. */
class SizedDatabase extends MemoryDatabase {
  readonly here: string[] = [];

  override async query(text: string, query: InstantQuery): Promise<PrintableResult> {
    return await this.evaluate(text, query);
  }

  override async queryRange(text: string, query: RangeQuery): Promise<PrintableResult> {
    return await this.evaluate(text, query);
  }

  override async labelNames(query: LabelsQuery): Promise<Listed<string>> {
    this.here.push("names");
    return await super.labelNames(query);
  }

  override async labelValues(label: string, { maxWorkMs }: LabelsQuery): Promise<Listed<string>> {
    this.here.push(`values of ${label}`);
    if (label === "bad") throw new InputError("no label");
    const neededMs = { large: 1000, larger: SMALL.maxTextsWorkMs + 1 }[label] ?? 0;
    if (neededMs > (maxWorkMs ?? Number.POSITIVE_INFINITY)) throw new InputError("too much work", 422);
    return { items: [], isPartial: false };
  }

  private async evaluate(
    text: string,
    { maxSeries, maxWorkMs, signal }: InstantQuery | RangeQuery,
  ): Promise<PrintableResult> {
    this.here.push(text);
    const [what, size] = text.split(":");
    if (what === "bad") throw new InputError("no query");
    if (what === "series" && Number(size) > maxSeries) throw new InputError("too many series", 422);
    if (what === "ms" && Number(size) > maxWorkMs) throw new InputError("too much work", 422);
    if (what === "wait") {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
    return { kind: "vector", series: [], stats: { seriesFetched: 1 }, isPartial: false };
  }
}

interface Tried {
  readonly database: SizedDatabase;
  readonly dispatcher: Dispatcher;
  /** What a worker was asked to do, with the limits it had. */
  readonly there: { text: string; maxSeries: number }[];
}

function tried(isUp = true): Tried {
  const database = new SizedDatabase();
  const there: Tried["there"] = [];
  const pool = {
    prepare: () => isUp,
    run: async (task: ReadTask): Promise<void> => {
      if (task.kind === "query") there.push({ text: task.text, maxSeries: task.query.maxSeries });
      else there.push({ text: task.kind, maxSeries: 0 });
      if (task.kind === "labels") assert.equal(task.request.maxWorkMs, undefined);
    },
  };
  return { database, there, dispatcher: new Dispatcher(database, pool) };
}

function taskOf(text: string, rangeMs = -1, stepMs = 1000): QueryTask {
  return {
    kind: "query",
    text,
    isRange: rangeMs >= 0,
    trace: null,
    hearsImplicit: false,
    prom: null,
    query: {
      timeMs: 0,
      startMs: 0,
      endMs: Math.max(0, rangeMs),
      stepMs,
      tenant: DEFAULT_TENANT,
      dialect: "metricsql",
      nowMs: 0,
      signal: undefined,
      trace: null,
      onImplicit: undefined,
      helpers: undefined,
      latencyOffsetMs: 0,
      mayAlign: false,
      mayCache: true,
      maxSeries: 1_000_000,
      maxSamples: Number.POSITIVE_INFINITY,
      maxPointsPerSeries: 10_000,
      maxSubqueryPoints: 10_000,
      maxSamplesPerSeries: 1e9,
      maxAggregateSeries: 1e6,
      maxResponseSeries: 0,
      maxMemoryBytes: 1e9,
      maxPushdownValues: 0,
      maxWorkMs: Number.POSITIVE_INFINITY,
      minStalenessMs: 0,
      latencyStepMaxMs: 0,
      refusesImplicit: false,
      maxQueryLength: 1e6,
    },
  };
}

function labelsTask(what: LabelsTask["what"], label = ""): LabelsTask {
  const request = { tenant: DEFAULT_TENANT, groups: [], minMs: 0, maxMs: 0, limit: 0 };
  return { kind: "labels", what, label, request, trace: null };
}

function deskOf(signal: AbortSignal = new AbortController().signal): Desk & { written: number; told: Evaluated[] } {
  const desk = {
    written: 0,
    told: [] as Evaluated[],
    signal,
    onEvaluated: (evaluated: Evaluated): number => desk.told.push(evaluated),
    answer: {
      waitedMs: 0,
      write: async (): Promise<void> => {},
      end: async (): Promise<void> => {
        desk.written++;
      },
    },
  };
  return desk;
}

test("what is small is done here, what turns out not to be goes to a worker with the limits it came with", async () => {
  const { database, dispatcher, there } = tried();
  const small = deskOf();
  await dispatcher.run(taskOf(`series:${SMALL.maxSeries}`), small);
  assert.deepEqual([small.written, small.told.length, there.length], [1, 1, 0]);
  const large = deskOf();
  await dispatcher.run(taskOf("series:65"), large);
  assert.deepEqual(there, [{ text: "series:65", maxSeries: 1_000_000 }]);
  // The worker tells, the try does not.
  assert.deepEqual([large.written, large.told.length], [0, 0]);
  // Known by now.
  await dispatcher.run(taskOf("series:65"), deskOf());
  assert.deepEqual(database.here, ["series:64", "series:65"]);
  assert.equal(there.length, 2);
});

test("long ranges, long texts and everything that is no query are not even tried", async () => {
  const { database, dispatcher, there } = tried();
  await dispatcher.run(taskOf("series:1", SMALL.maxPoints * 1000), deskOf());
  await dispatcher.run(taskOf("series:1", 10, 0), deskOf());
  await dispatcher.run(taskOf(`series:1${" ".repeat(SMALL.maxTextLength)}`), deskOf());
  await dispatcher.run(labelsTask("series"), deskOf());
  assert.equal(there.length, 4);
  assert.deepEqual(database.here, []);
  await dispatcher.run(taskOf("series:1", (SMALL.maxPoints - 1) * 1000), deskOf());
  assert.deepEqual(database.here, ["series:1"]);
});

test("label names and values are tried here, and for a while not again where they are much work", async () => {
  const { database, dispatcher, there } = tried();
  const here = deskOf();
  await dispatcher.run(labelsTask("names"), here);
  assert.deepEqual([here.written, there.length], [1, 0]);
  await dispatcher.run(labelsTask("values", "large"), deskOf());
  await dispatcher.run(labelsTask("values", "large"), deskOf());
  assert.equal(there.length, 2);
  assert.deepEqual(database.here, ["names", "values of large"]);
  await assert.rejects(dispatcher.run(labelsTask("values", "bad"), deskOf()), /no label/);
  assert.equal(there.length, 2);
});

test("while no worker is up, label values may be more work here before they wait for one", async () => {
  const { database, dispatcher, there } = tried(false);
  for (let i = 0; i < 2; i++) await dispatcher.run(labelsTask("values", "larger"), deskOf());
  await dispatcher.run(labelsTask("values", "large"), deskOf());
  assert.deepEqual(database.here, ["values of larger", "values of larger", "values of large"]);
  assert.equal(there.length, 1);
  const up = tried();
  await up.dispatcher.run(labelsTask("values", "larger"), deskOf());
  assert.equal(up.there.length, 1);
});

test("the same holds for queries", async () => {
  const cold = tried(false);
  const text = `ms:${SMALL.maxWorkMs + 1}`;
  await cold.dispatcher.run(taskOf(text), deskOf());
  assert.equal(cold.there.length, 0);
  const up = tried();
  await up.dispatcher.run(taskOf(text), deskOf());
  assert.equal(up.there.length, 1);
});

test("a try that is much work is given up; one that is aborted or a mistake is not tried again elsewhere", async () => {
  const { dispatcher, there } = tried();
  await dispatcher.run(taskOf("ms:1000"), deskOf());
  assert.equal(there.length, 1);
  const wrong = deskOf();
  await assert.rejects(dispatcher.run(taskOf("bad"), wrong), /no query/);
  assert.equal(wrong.told.length, 1);
  const stop = new AbortController();
  const gone = dispatcher.run(taskOf("wait"), deskOf(stop.signal));
  stop.abort(new Error("gone"));
  await assert.rejects(gone, /gone/);
  assert.equal(there.length, 1);
});
