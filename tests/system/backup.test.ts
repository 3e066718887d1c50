/**
 * Backup and restore with real processes: a server that is being written to, kill -9 in the middle of either, an S3 server that fails every fifth
 * request, damage. What comes back is compared bit by bit, by a full export of both databases.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "@nyanza/tsdb";
import { backUp, nyanza, startCommand, startS3 } from "./support/backups.ts";
import { digestDatabase } from "./support/database-digest.ts";
import { http } from "./support/http.ts";
import { nyanzaFlags, nyanzaProgram, startNyanza } from "./support/nyanza.ts";
import { eventually, freePort, runCommand } from "./support/process.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const startMs = Date.UTC(2026, 8, 30, 20, 0, 0);

/** A database of noise: nothing packs it, so that `samples` take eight bytes each. */
async function writeNoise(folder: string, seriesCount: number, samplesEach: number): Promise<void> {
  const database = await openDatabase(folder);
  for (let series = 0; series < seriesCount; series++) {
    const values = new Float64Array(samplesEach).map(() => Math.random() * 2 ** ((series % 200) - 100));
    // What must come back bit by bit, too.
    values.set([-0, Number.POSITIVE_INFINITY, 5e-324, Number.NaN]);
    const timestamps = Float64Array.from(values, (_, i) => startMs + i * 15_000);
    await database.append([{ labels: { __name__: "noise", series: String(series) }, timestamps, values }]);
  }
  await database.close();
}

/** Writes one sample after the other. */
class Writer {
  acknowledged = 0;
  private isRunning = true;
  private readonly done: Promise<void>;

  constructor(url: string) {
    this.done = this.run(url);
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.done;
  }

  private async run(url: string): Promise<void> {
    while (this.isRunning) {
      const value = this.acknowledged + 1;
      const body = `load{shard="${value % 7}"} ${value} ${startMs + value * 10}\n`;
      const { status } = await http(`${url}/api/v1/import/prometheus`, { body });
      assert.equal(status, 204);
      this.acknowledged = value;
    }
  }
}

/** Restores into a new folder. */
async function restore(scope: Scope, args: readonly string[]): Promise<string> {
  const folder = makeFolder(scope, "restored");
  const { code, output } = await nyanza(scope, ["restore", `-storageDataPath=${folder}`, ...args]);
  assert.equal(code, 0, output);
  return folder;
}

test(
  "a server that is being written to is backed up to a folder and to S3; the second backup sends what is new; both come back bit by bit",
  { timeout: 280_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    await writeNoise(folder, 40, 5_000);
    const noise = await digestDatabase(folder, (name) => name === "noise");
    assert.deepEqual([noise.series, noise.samples], [40, 200_000]);
    const endpoint = await startS3(scope);
    const place = join(makeFolder(scope, "backups"), "latest");
    const places = [
      ["fs", `fs://${place}`, []],
      ["s3", "s3://backups/latest", [`-customS3Endpoint=${endpoint}`]],
    ] as const;

    const { url, process } = await startNyanza(scope, { folder, flags: ["-selfScrapeInterval=0"] });
    const writer = new Writer(url);
    for (const [name, dst, flags] of places) {
      await sleep(200);
      const first = await backUp(scope, [`-src=${url}`, `-dst=${dst}`, ...flags]);
      assert.equal(first.sent, first.files, name);
      await sleep(200);
      const before = writer.acknowledged;
      assert.ok(before > 10, `${before} acknowledged`);
      const second = await backUp(scope, [
        `-storageDataPath=${folder}`,
        `-snapshot.createURL=${url}/snapshot/create`,
        `-dst=${dst}`,
        ...flags,
      ]);
      // A manifest, and a part and an index segment for what was written in between; merges may have made another.
      assert.ok(second.sent >= 2 && second.sent <= 6 && second.kept >= 2, `${name}: ${JSON.stringify(second)}`);
      assert.equal((await http(`${url}/snapshot/list`)).text, '{"status":"ok","snapshots":[]}');

      const restored = await restore(scope, [`-src=${dst}`, ...flags]);
      const now = writer.acknowledged;
      assert.deepEqual(await digestDatabase(restored, (metric) => metric === "noise"), noise, name);
      const load = await digestDatabase(restored, (metric) => metric === "load");
      assert.ok(load.samples >= before && load.samples <= now, `${name}: ${load.samples} of ${before} to ${now}`);
    }
    await writer.stop();

    // At rest: everything, bit by bit; by -origin and by the words of vmbackup, too.
    const last = await backUp(scope, [`-src=${url}`, `-dst=fs://${place}`]);
    assert.ok(last.sent <= 6 && last.kept >= 2, JSON.stringify(last));
    await backUp(scope, [`-origin=fs://${place}`, `-dst=fs://${place}-daily`]);
    await process.stop();
    const whole = await digestDatabase(folder);
    assert.equal(whole.samples, 200_000 + writer.acknowledged);
    assert.deepEqual(await digestDatabase(await restore(scope, [`-src=fs://${place}-daily`])), whole);

    // Damage is found by those who look, and by restores; the folder cannot be opened then.
    const objects = (readdirSync(place, { recursive: true }) as string[]).filter((name) =>
      /\.part\.[0-9a-f]+$/.test(name),
    );
    const object = join(place, objects[0] as string);
    const bytes = readFileSync(object);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(object, bytes);
    const fresh = makeFolder(scope, "restored");
    for (const args of [
      ["backup", "-verify", `-dst=fs://${place}`],
      ["restore", `-src=fs://${place}`, `-storageDataPath=${fresh}`],
    ]) {
      const { code, output } = await nyanza(scope, args);
      assert.equal(code, 3, output);
      assert.ok(output.includes(object.slice(place.length + 1)), output);
    }
    await assert.rejects(digestDatabase(fresh), /a restore into this folder has not finished/);
    const { code, output } = await nyanza(scope, ["restore", `-src=fs://${place}-daily`, `-storageDataPath=${fresh}`]);
    assert.equal(code, 0, output);
    assert.deepEqual(await digestDatabase(fresh), whole);
  }),
);

test(
  "kill -9 in the middle of a backup and of a restore, with an S3 that fails every fifth request: both go on where they ended",
  { timeout: 280_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    await writeNoise(folder, 50, 60_000);
    const endpoint = `-customS3Endpoint=${await startS3(scope, 5)}`;
    const dst = "-dst=s3://backups/deep/latest";
    const slow = ["-maxBytesPerSecond=2MB", "-concurrency=2", endpoint];
    for (const delayMs of [2500, 2500]) {
      const running = await startCommand(scope, ["backup", `-src=${folder}`, dst, ...slow]);
      await sleep(delayMs);
      assert.ok(running.isRunning, running.output);
      await running.kill();
      const early = await nyanza(scope, ["backup", "-verify", dst, endpoint]);
      assert.deepEqual([early.code, /there is no complete backup/.test(early.output)], [1, true], early.output);
    }
    const { output } = await nyanza(scope, ["backup", `-src=${folder}`, dst, endpoint]);
    const [, total, sent] =
      /backed up \d+ files, ([\d.]+) MiB \(sent \d+ files, ([\d.]+) (?:MiB|KiB|B)/.exec(output) ?? [];
    assert.ok(Number(total) > 15 && Number(sent) < Number(total) - 7, `sent again what was there: ${output}`);

    const target = makeFolder(scope, "restored");
    const restoring = ["restore", "-src=s3://backups/deep/latest", `-storageDataPath=${target}`];
    for (const delayMs of [2500, 2500]) {
      const running = await startCommand(scope, [...restoring, ...slow]);
      await sleep(delayMs);
      assert.ok(running.isRunning, running.output);
      await running.kill();
      assert.ok(!existsSync(join(target, "MANIFEST")));
      const flags = nyanzaFlags(target, await freePort());
      const server = await runCommand(scope, process.execPath, [nyanzaProgram, ...flags]);
      assert.equal(server.code, 1);
      assert.match(server.output, /a restore into this folder has not finished: run it again/);
    }
    const again = await nyanza(scope, [...restoring, endpoint]);
    assert.equal(again.code, 0, again.output);
    const fetched = Number(/fetched ([\d.]+) MiB/.exec(again.output)?.[1] ?? 0);
    assert.ok(fetched < Number(total) - 7, `fetched again what was there: ${again.output}`);
    assert.deepEqual(await digestDatabase(target), await digestDatabase(folder));
  }),
);

test(
  "a snapshot that a killed backup has left goes with the next backup, wherever that goes; those of others stay",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    await writeNoise(folder, 20, 20_000);
    const { url } = await startNyanza(scope, { folder });
    const list = async (): Promise<string[]> => JSON.parse((await http(`${url}/snapshot/list`)).text).snapshots;
    const own = JSON.parse((await http(`${url}/snapshot/create`)).text).snapshot as string;
    const backups = makeFolder(scope, "backups");
    const slow = [`-src=${url}`, `-dst=fs://${backups}/slow`, "-maxBytesPerSecond=100KB", "-concurrency=1"];
    const running = await startCommand(scope, ["backup", ...slow]);
    const left = await eventually("a snapshot", async () => (await list()).find((name) => name !== own));
    await eventually("its lock", async () => existsSync(join(folder, "snapshots", left, "flock.lock")));

    const beside = await backUp(scope, [`-src=${url}`, `-dst=fs://${backups}/beside`]);
    assert.equal(beside.sent, beside.files);
    assert.deepEqual(await list(), [own, left], "its backup lives");
    await running.kill();
    await backUp(scope, [`-src=${url}`, `-dst=fs://${backups}/beside`]);
    assert.deepEqual(await list(), [own]);
  }),
);

test(
  "commands say what is wrong: flags, places, folders in use, keys; a signal ends them cleanly; no secret is printed",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    await writeNoise(folder, 20, 20_000);
    const backups = makeFolder(scope, "backups");
    const { url } = await startNyanza(scope, { folder });
    const says = async (code: number, message: RegExp, ...args: string[]): Promise<void> => {
      const run = await nyanza(scope, args);
      assert.equal(run.code, code, `${args.join(" ")}: ${run.output}`);
      assert.match(run.output, message);
      assert.ok(!/hunter2/.test(run.output), run.output);
    };
    await says(0, /Usage: nyanza backup[\s\S]*-customS3Endpoint/, "backup", "-help");
    await says(0, /Commands[\s\S]*nyanza backup[\s\S]*nyanza restore/, "-help");
    await says(1, /unknown command "bakcup": want backup/, "bakcup");
    await says(2, /unknown flag -dist, did you mean -dst/, "backup", "-dist=x");
    await says(2, /want -dst/, "backup", "-src=x");
    await says(2, /want what to back up/, "backup", "-dst=fs:///x");
    await says(2, /want one of/, "backup", "-dst=fs:///x", "-src=/a", "-snapshotName=b");
    await says(2, /want a place outside of the data folder/, "backup", `-src=${url}`, `-dst=fs://${folder}/backup`);
    await says(1, /want fs:\/\/\/absolute\/path or s3/, "backup", `-src=${url}`, "-dst=gs://bucket");
    await says(1, /in use by process \d+.*-src=http/, "backup", `-src=${folder}`, `-dst=fs://${backups}/a`);
    await says(1, /no complete backup/, "restore", `-storageDataPath=${folder}`, "-src=fs:///nowhere");
    await backUp(scope, [`-src=${url}`, `-dst=fs://${backups}/b`]);
    await says(1, /in use by process/, "restore", `-storageDataPath=${folder}`, `-src=fs://${backups}/b`);
    await says(1, /there is no such folder/, "backup", "-storageDataPath=/nowhere", `-src=${url}`, "-dst=fs:///x");
    const withKey = `-snapshot.createURL=${url}/snapshot/creat?authKey=hunter2`;
    await says(1, /authKey=xxxxx/, "backup", `-storageDataPath=${folder}`, withKey, `-dst=fs://${backups}/c`);
    const keys = join(backups, "keys");
    writeFileSync(keys, "[default]\naws_access_key_id=test\naws_secret_access_key=hunter2\n");
    const s3 = [`-customS3Endpoint=${await startS3(scope)}`, `-credsFilePath=${keys}`];
    await says(1, /does not accept the signature/, "backup", `-src=${url}`, "-dst=s3://backups/a", ...s3);
    await says(
      1,
      /does not accept the signature/,
      "restore",
      `-storageDataPath=${backups}/d`,
      "-src=s3://backups/a",
      ...s3,
    );

    const running = await startCommand(scope, [
      "backup",
      `-src=${url}`,
      `-dst=fs://${backups}/slow`,
      "-maxBytesPerSecond=1KB",
    ]);
    for (let i = 0; i < 100 && !/made snapshot/.test(running.output); i++) await sleep(50);
    await sleep(300);
    assert.deepEqual(await running.stop(), { code: 1, signal: null });
    assert.match(running.output, /interrupted by SIGTERM/);
    assert.equal((await http(`${url}/snapshot/list`)).text, '{"status":"ok","snapshots":[]}', "its snapshot is gone");
  }),
);
