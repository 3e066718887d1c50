/**
 * The power is cut under a server that takes samples: on real file systems, whose forced shutdown drops all that was not synced. With -wal.fsync=always nothing
 * that was acknowledged is lost; with `interval` at most what the last interval brought. And the trial itself is tried: a server whose
 * fsync does nothing must lose samples, else the cuts would prove nothing.
 *
 *     NYANZA_POWER_CUTS=500 npm run test:system -- power
 */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "../support/http.ts";
import { Ledger, startWriting } from "../support/ledger.ts";
import { type FileSystem, PowerDisk } from "../support/mounts.ts";
import { startNyanza } from "../support/nyanza.ts";
import { diceOf } from "../support/random-queries.ts";
import { withScope } from "../support/scope.ts";
import { progress, report, sizeOf, trialMsMax } from "../support/trial.ts";

const cuts = sizeOf("NYANZA_POWER_CUTS", 40);
const seed = sizeOf("NYANZA_SEED", 1);
const intervalMs = 200;
/** After so many cuts a fresh disk: 64 MB fill up. */
const cutsPerDisk = 50;

/** Loaded before the server's own modules: every sync says it is done, and does nothing. */
const withoutSync = `--import=data:text/javascript,${encodeURIComponent(
  `import { open } from "node:fs/promises";
  const handle = await open(process.execPath);
  Object.assign(Object.getPrototypeOf(handle), { sync: async () => {}, datasync: async () => {} });
  await handle.close();`,
)}`;

interface Trial {
  readonly kind: FileSystem;
  readonly cuts: number;
  readonly flags: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Of samples acknowledged so long before the last acknowledgement none may be missing. */
  readonly safeAfterMs: number;
  readonly dice: (below: number) => number;
}

/** @returns samples acknowledged, how many of them are missing, and how many that is too many */
async function cutPower(trial: Trial): Promise<{ acknowledged: number; missing: number; problems: number }> {
  const total = { acknowledged: 0, missing: 0, problems: 0 };
  for (let done = 0; done < trial.cuts; done += cutsPerDisk) {
    await withScope(async (scope) => {
      const disk = new PowerDisk(scope, trial.kind);
      const ledger = new Ledger();
      const flags = ["-storage.minFreeDiskSpaceBytes=4MB", ...trial.flags];
      const options = { folder: `${disk.folder}/data`, flags, nodeFlags: trial.nodeFlags ?? [] };
      const check = async (url: string, cut: number): Promise<void> => {
        const { missing, problems } = await ledger.check(url, { mayLoseFromMs: ledger.lastSentMs - trial.safeAfterMs });
        total.missing += missing;
        total.problems += problems.length;
        if (trial.nodeFlags === undefined) {
          assert.deepEqual(problems.slice(0, 10), [], `seed ${seed}, cut ${cut}: ${problems.length} problems`);
        }
        if (missing > 0) await ledger.forgetMissing(url);
        ledger.settle();
      };
      const end = Math.min(trial.cuts, done + cutsPerDisk);
      for (let cut = done; cut < end; cut++) {
        await withScope(async (inner) => {
          const { url, process } = await startNyanza(inner, options);
          await check(url, cut);
          const agent = new Agent({ keepAlive: true, maxSockets: 8 });
          const writing = startWriting(url, ledger, agent);
          await sleep(50 + trial.dice(700));
          if (trial.dice(3) === 0) {
            const work = trial.dice(2) === 0 ? "force_flush" : "force_merge";
            void http(`${url}/internal/${work}`, { agent }).catch(() => null);
            await sleep(trial.dice(30));
          }
          // A sync that is under way when it goes dark never returns. That of a file system that is shut down may: Linux 6.18's ext4 then says that all is well.
          writing.ignoreAnswers();
          disk.cutPower();
          await process.kill();
          await writing.stop();
          agent.destroy();
          disk.restore();
        });
        progress(`power cuts, ${trial.kind}`, cut + 1, trial.cuts);
      }
      await withScope(async (inner) => {
        const { url } = await startNyanza(inner, options);
        await check(url, end);
        if (trial.nodeFlags === undefined && total.missing === 0) {
          const { problems } = await ledger.check(url, { all: true });
          assert.deepEqual(problems.slice(0, 10), [], `seed ${seed}, at the end: ${problems.length} problems`);
        }
      });
      total.acknowledged += ledger.acknowledged;
    });
  }
  return total;
}

const share = (part: number): number => Math.max(1, Math.round(cuts * part));

for (const [kind, part] of [
  ["ext4", 0.7],
  ["xfs", 0.3],
] as const) {
  test(`power cuts on ${kind}: with -wal.fsync=always nothing is lost`, { timeout: trialMsMax }, async () => {
    const flags = ["-wal.fsync=always"];
    const trial = { kind, cuts: share(part), flags, safeAfterMs: Number.NEGATIVE_INFINITY, dice: diceOf(seed) };
    const { acknowledged, missing } = await cutPower(trial);
    assert.equal(missing, 0);
    assert.ok(acknowledged > trial.cuts * 40, `only ${acknowledged} samples were acknowledged`);
    report(`power cut, ${kind}, \`always\``, `${trial.cuts} cuts`, `${acknowledged} samples acknowledged: 0 lost`);
  });
}

test("power cuts: with -wal.fsync=interval at most the last interval is lost", { timeout: trialMsMax }, async () => {
  const flags = ["-wal.fsync=interval", `-wal.fsyncInterval=${intervalMs}ms`];
  const trial = {
    kind: "ext4",
    cuts: share(0.2),
    flags,
    safeAfterMs: intervalMs,
    dice: diceOf(seed),
  } as const;
  const { acknowledged, missing } = await cutPower(trial);
  const outcome = `${acknowledged} samples acknowledged: ${missing} lost, all acknowledged within the last ${intervalMs} ms`;
  report(`power cut, ext4, \`interval\` of ${intervalMs} ms`, `${trial.cuts} cuts`, outcome);
});

test("the control: a server whose fsync does nothing loses samples", { timeout: trialMsMax }, async () => {
  const flags = ["-wal.fsync=always"];
  const nodeFlags = [withoutSync];
  const { problems } = await cutPower({ kind: "ext4", cuts: 3, flags, nodeFlags, safeAfterMs: 0, dice: diceOf(seed) });
  assert.ok(problems > 0, "nothing was lost: the cuts cut nothing");
  report("power cut, the control: fsync does nothing", "3 cuts", `${problems} samples lost, as it must be`);
});
