/**
 * A disk that runs full, again and again: the server stays up, refuses writes with 503 and Retry-After, answers queries and deletes, takes
 * samples again within two seconds of there being room, and has lost nothing that it acknowledged.
 *
 *     NYANZA_FULL_DISKS=20 npm run test:system -- full-disk
 */
import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "../support/http.ts";
import { Ledger, startWriting } from "../support/ledger.ts";
import { mountMemory } from "../support/mounts.ts";
import { startNyanza } from "../support/nyanza.ts";
import { eventually } from "../support/process.ts";
import { queryInstant } from "../support/query.ts";
import { scoped, withScope } from "../support/scope.ts";
import { progress, report, sizeOf, trialMsMax } from "../support/trial.ts";

const times = sizeOf("NYANZA_FULL_DISKS", 3);
const diskMegabytes = 48;
const resumeMsMax = 2_000;

/** Somebody else's files, which take all the room there is but `leaveBytes`. */
function fillUp(folder: string, name: string, leaveBytes: number): void {
  const path = join(folder, name);
  const file = openSync(path, "w");
  const piece = Buffer.alloc(64 << 10, 1);
  try {
    for (;;) writeSync(file, piece);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
  } finally {
    closeSync(file);
  }
  if (leaveBytes > 0) truncateTail(path, leaveBytes);
}

function truncateTail(path: string, bytes: number): void {
  truncateSync(path, Math.max(0, statSync(path).size - bytes));
}

/** One series and sample of its own, so that nothing of the ledger is touched. */
const probe = (url: string): Promise<{ status: number; retryAfter: string | undefined }> =>
  http(`${url}/api/v1/import/prometheus`, { body: `probe{n="${probes++}"} 1\n` }).then(({ status, headers }) => ({
    status,
    retryAfter: headers["retry-after"],
  }));
let probes = 0;

for (const { name, isLimited } of [
  { name: "-storage.minFreeDiskSpaceBytes=4MB", isLimited: true },
  { name: "no limit", isLimited: false },
]) {
  const flags = [`-storage.minFreeDiskSpaceBytes=${isLimited ? "4MB" : "0"}`];
  test(
    `a full disk, ${name}`,
    { timeout: trialMsMax },
    scoped(async (scope) => {
      const mounted = mountMemory(scope, diskMegabytes);
      const options = { folder: join(mounted, "data"), flags };
      const ledger = new Ledger();
      let slowestMs = 0;
      const check = async (url: string, when: string): Promise<void> => {
        const { problems } = await ledger.check(url, { all: true });
        assert.deepEqual(problems.slice(0, 10), [], `${when}: ${problems.length} problems`);
      };
      for (let time = 0; time < times; time++) {
        await withScope(async (inner) => {
          const { url, process } = await startNyanza(inner, options);
          await check(url, `start ${time}`);
          const agent = new Agent({ keepAlive: true, maxSockets: 8 });
          const writing = startWriting(url, ledger, agent, 5);
          const doomed = { body: "doomed 1\n" };
          assert.equal((await http(`${url}/api/v1/import/prometheus`, doomed)).status, 204);
          await sleep(300);
          // At first nearly full, so that the server runs into the end by itself; then not a byte.
          fillUp(mounted, "others", isLimited || time % 2 === 0 ? 6 << 20 : 0);
          await eventually("a refusal", async () => writing.refusals.size > 0, 60_000, 20);
          const deleted = await http(`${url}/api/v1/admin/tsdb/delete_series?match[]=doomed`, { method: "POST" });
          // A tombstone needs some bytes: with a limit there are some, without one there may be none.
          if (isLimited) assert.equal(deleted.status, 204, `a delete on a full disk: ${deleted.text}`);
          else assert.ok([204, 503].includes(deleted.status), deleted.text);
          if (deleted.status === 204) assert.equal((await http(`${url}/api/v1/export?match[]=doomed`)).text, "");
          await sleep(1_000);
          rmSync(join(mounted, "more"), { force: true });
          fillUp(mounted, "more", 0);
          await sleep(500);
          assert.deepEqual([...writing.refusals.keys()], [503], "only 503 is a refusal for want of room");
          const refusal = await probe(url);
          assert.equal(refusal.status, 503);
          assert.match(refusal.retryAfter ?? "", /^\d+$/);
          assert.ok(process.isRunning, process.tail());
          assert.equal((await http(`${url}/health`)).status, 200);
          const startMs = performance.now();
          assert.equal((await queryInstant(url, "count(last_over_time(ledger[100y]))", Date.now() / 1000)).length, 1);
          assert.ok(performance.now() - startMs < 5_000, "a query on a full disk");
          await writing.stop();
          await check(url, "while the disk is full");

          // Room again.
          rmSync(join(mounted, "more"), { force: true });
          rmSync(join(mounted, "others"), { force: true });
          const freedMs = performance.now();
          await eventually("a write that is taken", async () => (await probe(url)).status === 204, 20_000, 20);
          slowestMs = Math.max(slowestMs, performance.now() - freedMs);
          assert.ok(slowestMs < resumeMsMax, `${slowestMs.toFixed(0)} ms until writing went on`);
          const again = startWriting(url, ledger, agent);
          await sleep(300);
          await again.stop();
          assert.deepEqual([...again.refusals], [], "refused although there is room");
          // Killed on a full disk, the next server must start on it: it has the reserve.
          if (isLimited && time % 2 === 1) fillUp(mounted, "others", 0);
          await process.kill();
          agent.destroy();
        });
        if (isLimited && time % 2 === 1) {
          await withScope(async (inner) => {
            const { url, process } = await startNyanza(inner, options);
            await check(url, "started on a full disk");
            await process.kill();
          });
        }
        rmSync(join(mounted, "others"), { force: true });
        progress("full disks", time + 1, times);
      }
      const { url } = await startNyanza(scope, options);
      await check(url, "at the end");
      const outcome = `${ledger.acknowledged} samples acknowledged: 0 lost; writing again after ${slowestMs.toFixed(0)} ms at most`;
      report(`full disk of ${diskMegabytes} MB, ${name}`, `${times} times`, outcome);
    }),
  );
}
