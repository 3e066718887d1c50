import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MetricSet } from "../native/metric-set.ts";
import { findPlace } from "./group-place.ts";
import { GroupStateFile, type Member } from "./group-state.ts";
import { socketAddress } from "./member-socket.ts";
import { joinProcessGroup, type ProcessGroup, type ProcessGroupOptions } from "./process-group.ts";
import { SnapshotEncoder, takeSnapshot } from "./snapshot.ts";
import { SnapshotFile } from "./snapshot-file.ts";

/** Several members in one process: they differ in everything but their pid. */
class Stage {
  readonly directory: string = mkdtempSync(join(tmpdir(), "nyanza-group-"));
  readonly groups: ProcessGroup[] = [];

  async join(set: MetricSet, options: ProcessGroupOptions = {}): Promise<ProcessGroup> {
    const group = await joinProcessGroup({
      collect: () => set.collect(),
      directory: this.directory,
      processMetrics: false,
      ...options,
    });
    this.groups.push(group);
    return group;
  }

  /** The group's own. */
  get place(): string {
    return findPlace({ directory: this.directory }).directory;
  }

  /** A member that was killed after storing `sequence` snapshots of a counter `hits_total`. */
  addKilled(id: string, hits: number): Member {
    const member = { id, pid: 2 ** 22 + 1, startTime: "1", slot: 7, worker: "7" };
    new GroupStateFile(this.place, "stage").update((state) => ({ ...state, members: [...state.members, member] }));
    const set = new MetricSet();
    set.getOrCreateCounter("hits_total").add(hits);
    set.getOrCreateGauge("depth").set(100);
    const file = new SnapshotFile(this.place, id);
    file.write(new SnapshotEncoder().encode(takeSnapshot(set.collect(), { id, sequence: 1 }, null)));
    file.close();
    return member;
  }

  async end(): Promise<void> {
    for (const group of this.groups) await group.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function staged(body: (stage: Stage) => Promise<void>): () => Promise<void> {
  return async () => {
    const stage = new Stage();
    try {
      await body(stage);
    } finally {
      await stage.end();
    }
  };
}

async function read(group: ProcessGroup): Promise<Map<string, number>> {
  const text = await group.writePrometheus({ metadata: false });
  return new Map(
    text
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

test(
  "any member answers for all, of this moment; who leaves stays in the sums, but not with its gauges",
  staged(async (stage) => {
    const sets = [new MetricSet(), new MetricSet(), new MetricSet()];
    const groups = await Promise.all(sets.map((set) => stage.join(set)));
    for (const [i, set] of sets.entries()) {
      set.getOrCreateCounter("hits_total").add(10 ** i);
      set.getOrCreateGauge("depth").set(10 ** i);
    }
    for (const group of groups) {
      const values = await read(group);
      assert.equal(values.get("hits_total"), 111);
      assert.equal(values.get("depth"), 111);
      assert.equal(values.get("metrics_process_group_workers"), 3);
    }
    sets[1]?.getOrCreateCounter("hits_total").inc();
    await groups[1]?.close();
    const values = await read(groups[0] as ProcessGroup);
    assert.equal(values.get("hits_total"), 112);
    assert.equal(values.get("depth"), 101);
    assert.equal(values.get("metrics_process_group_workers"), 2);
    assert.equal(values.get("metrics_process_group_departed_total"), 1);
    assert.equal(values.get("metrics_process_group_stale_answers_total"), 0);
    assert.match(
      await (groups[0] as ProcessGroup).writePrometheus({ format: "openmetrics" }),
      /# TYPE hits counter[\s\S]*# EOF\n$/,
    );
  }),
);

test(
  "slots are distinct and used again; a given name of a worker holds",
  staged(async (stage) => {
    const groups = await Promise.all(Array.from({ length: 8 }, () => stage.join(new MetricSet())));
    const workers = () =>
      (groups[0] as ProcessGroup)
        .workers()
        .map(({ worker }) => worker)
        .sort();
    assert.deepEqual(workers(), ["0", "1", "2", "3", "4", "5", "6", "7"]);
    const third = groups.find((group) => group.workers().find(({ isSelf }) => isSelf)?.worker === "3");
    await third?.close();
    const first = groups.find((group) => group !== third) as ProcessGroup;
    await stage.join(new MetricSet());
    await stage.join(new MetricSet(), { worker: "blue" });
    assert.deepEqual(
      first
        .workers()
        .map(({ worker }) => worker)
        .sort(),
      ["0", "1", "2", "3", "4", "5", "6", "7", "blue"],
    );
    assert.ok(first.workers().every(({ pid }) => pid === process.pid));
  }),
);

test(
  "the killed are folded once, by scrapes at the same time and by the next who joins",
  staged(async (stage) => {
    const groups = [await stage.join(new MetricSet()), await stage.join(new MetricSet())];
    for (let i = 0; i < 3; i++) stage.addKilled(`dead${i}`, 100);
    const answers = await Promise.all([...groups, ...groups].map((group) => read(group)));
    for (const values of answers) {
      assert.equal(values.get("hits_total"), 300);
      assert.equal(values.get("depth"), undefined);
      assert.equal(values.get("metrics_process_group_departed_total"), 3);
    }
    stage.addKilled("dead3", 11);
    groups.push(await stage.join(new MetricSet()));
    assert.equal(groups[0]?.workers().length, 3);
    assert.equal((await read(groups[2] as ProcessGroup)).get("hits_total"), 311);
    assert.deepEqual(
      readdirSync(stage.place).filter((name) => name.includes("dead")),
      [],
    );
  }),
);

test(
  "when all have gone the next one begins anew",
  staged(async (stage) => {
    const place = findPlace({ directory: stage.directory });
    await (await stage.join(new MetricSet())).close();
    assert.deepEqual(readdirSync(place.base), [], "the last one to leave cleans up");
    await stage.join(new MetricSet());
    stage.addKilled("dead", 100);
    // As if the only other member had been killed too.
    new GroupStateFile(stage.place, "stage").update((state) => ({ ...state, members: state.members.slice(1) }));
    const fresh = await stage.join(new MetricSet());
    assert.equal((await read(fresh)).get("hits_total"), undefined);
  }),
);

test(
  "a member that does not answer in time counts with what it stored, one without a readable file is left out; both are counted",
  staged(async (stage) => {
    const group = await stage.join(new MetricSet(), { answerTimeoutMs: 60 });
    const servers = ["stuck", "mute"].map((id) => {
      const member = stage.addKilled(id, 5);
      const server = createServer(() => {});
      server.listen(socketAddress(stage.place, member.id));
      server.unref();
      return server;
    });
    writeFileSync(join(stage.place, "mute.0"), "junk");
    const values = await read(group);
    assert.equal(values.get("hits_total"), 5);
    assert.equal(values.get("metrics_process_group_workers"), 3);
    const next = await read(group);
    assert.equal(next.get("metrics_process_group_stale_answers_total"), 1);
    assert.equal(next.get("metrics_process_group_missing_answers_total"), 1);
    for (const server of servers) server.close();
  }),
);

test(
  "whoever answers with junk, too much or nothing is no danger",
  staged(async (stage) => {
    const group = await stage.join(new MetricSet(), { answerTimeoutMs: 200 });
    const answers = [Buffer.from("junk"), Buffer.alloc(0), Buffer.alloc(70 << 20)];
    const servers = answers.map((bytes, i) => {
      stage.addKilled(`liar${i}`, 1);
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.end(bytes);
      });
      server.listen(socketAddress(stage.place, `liar${i}`));
      server.unref();
      return server;
    });
    assert.equal((await read(group)).get("hits_total"), 3);
    for (const server of servers) server.close();
  }),
);

test(
  "an asynchronous collect: the answer is of the question's moment, an error leaves what was known",
  staged(async (stage) => {
    const set = new MetricSet();
    const hits = set.getOrCreateCounter("hits_total");
    let fails = false;
    const errors: unknown[] = [];
    await stage.join(set, {
      collect: async () => {
        const families = set.collect();
        await sleep(20);
        if (fails) throw new Error("no");
        return families;
      },
      onError: (error) => errors.push(error),
    });
    const other = await stage.join(new MetricSet());
    const early = read(other);
    await sleep(10);
    hits.add(5);
    assert.equal((await read(other)).get("hits_total"), 5);
    await early;
    fails = true;
    hits.add(1);
    assert.equal((await read(other)).get("hits_total"), 5);
    assert.match(String(errors[0]), /no/);
    assert.ok(((await read(other)).get("metrics_process_group_errors_total") ?? 0) >= 1);
  }),
);

test(
  "the snapshot is kept fresh, and a directory that was cleaned away is made again",
  staged(async (stage) => {
    const set = new MetricSet();
    const group = await stage.join(set, { intervalMs: 20 });
    const other = await stage.join(new MetricSet(), { intervalMs: 20 });
    set.getOrCreateCounter("hits_total").add(3);
    const changedMs = (): number =>
      Math.max(...readdirSync(stage.place).map((name) => statSync(join(stage.place, name)).mtimeMs));
    const before = changedMs();
    for (let i = 0; i < 100 && changedMs() === before; i++) await sleep(10);
    assert.ok(changedMs() > before);
    rmSync(stage.place, { recursive: true });
    for (let i = 0; i < 100 && other.workers().length < 2; i++) await sleep(10);
    assert.equal(other.workers().length, 2);
    assert.equal((await read(other)).get("hits_total"), 3);
    assert.equal((await read(group)).get("hits_total"), 3);
  }),
);

test("what cannot be joined is refused with a reason", async () => {
  await assert.rejects(joinProcessGroup({ intervalMs: 0 }), /want intervalMs above 0, got 0/);
  await assert.rejects(joinProcessGroup({ directory: join(process.execPath, "x") }), /ENOTDIR|EEXIST|ENOENT/);
});
