/**
 * kill -9 in a loop while four clients write by four protocols and flushes, merges and snapshots are under way. The ledger of what was sent and
 * what was acknowledged is kept here, not in the server. After each restart every acknowledged sample is there, and nothing is there that was
 * never sent.
 *
 *     NYANZA_KILLS=1000 NYANZA_SEED=7 npm run test:system -- kills
 */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "../support/http.ts";
import { Ledger, startWriting } from "../support/ledger.ts";
import { startNyanza } from "../support/nyanza.ts";
import { diceOf } from "../support/random-queries.ts";
import { makeFolder, scoped, withScope } from "../support/scope.ts";
import { progress, report, sizeOf, trialMsMax } from "../support/trial.ts";

const kills = sizeOf("NYANZA_KILLS", 150);
const seed = sizeOf("NYANZA_SEED", 1);
const longestMs = 2_000;
/** So often all samples are read, otherwise those since the last such time. */
const allEvery = 25;

/** What the server is asked to do beside taking samples. */
const works = ["/internal/force_flush", "/internal/force_merge", "/snapshot/create", "/snapshot/delete_all"];

test(
  `kill -9: ${kills} times, four writers, no acknowledged sample lost, none invented`,
  { timeout: trialMsMax },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    const ledger = new Ledger();
    const dice = diceOf(seed);
    let worksBegun = 0;
    let round = 0;
    const check = async (url: string, all: boolean): Promise<void> => {
      const { problems } = await ledger.check(url, { all });
      assert.deepEqual(problems.slice(0, 10), [], `seed ${seed}, after ${round} kills: ${problems.length} problems`);
    };
    for (; round < kills; round++) {
      await withScope(async (inner) => {
        const { url, process } = await startNyanza(inner, { folder });
        const all = round % allEvery === 0;
        await check(url, all);
        if (all) ledger.settle();
        const agent = new Agent({ keepAlive: true, maxSockets: 8 });
        const writing = startWriting(url, ledger, agent);
        // From at once to well into a run, mostly early: there the log and the head are young.
        const delayMs = longestMs * (dice(1000) / 1000) ** 5;
        const deadline = performance.now() + delayMs;
        for (let leftMs = delayMs; leftMs > 0; leftMs = deadline - performance.now()) {
          await sleep(Math.min(leftMs, dice(200)));
          void http(url + works[dice(works.length)], { agent }).catch(() => null);
          worksBegun++;
        }
        await process.kill();
        await writing.stop();
        agent.destroy();
        assert.deepEqual([...writing.refusals], [], `round ${round}`);
      });
      progress("kills", round + 1, kills);
    }
    const { url, process } = await startNyanza(scope, { folder });
    await check(url, true);
    // And once more after everything has become a merged part.
    await http(`${url}/internal/force_flush`);
    await http(`${url}/internal/force_merge`);
    await check(url, true);
    await process.stop();
    assert.ok(ledger.acknowledged > kills * 160, `only ${ledger.acknowledged} samples were acknowledged`);
    report(
      "`kill -9`",
      `${kills} kills, ${worksBegun} flushes, merges and snapshots begun`,
      `${ledger.acknowledged} samples acknowledged: 0 lost, 0 invented`,
    );
  }),
);
