/**
 * kill -9 in a loop while three clients write. The ledger of what was sent and what was acknowledged is kept here, not
 * in the server. After each restart every acknowledged sample is there, and nothing is there that was never sent.
 */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { exportSeries, seriesKey } from "./support/query.ts";
import { remoteWrite, seriesOf } from "./support/remote-write.ts";
import { makeFolder, scoped } from "./support/scope.ts";

const rounds = 20;
const startMs = Date.UTC(2026, 9, 31, 23, 55, 0);
const seriesPerWriter = 40;

/** Fate of each sample by its value, which is unique: sent, or sent and acknowledged. */
class Ledger {
  private readonly fates = new Map<number, { key: string; timestampMs: number; acknowledged: boolean }>();
  private nextValue = 1;
  acknowledged = 0;

  /** One sample for each of the writer's series. */
  draw(writer: string): { series: number; timestampMs: number; value: number }[] {
    return Array.from({ length: seriesPerWriter }, (_, series) => {
      const value = this.nextValue++;
      const timestampMs = startMs + value * 10;
      this.fates.set(value, { key: seriesKey(labelsOf(writer, series)), timestampMs, acknowledged: false });
      return { series, timestampMs, value };
    });
  }

  acknowledge(samples: readonly { value: number }[]): void {
    for (const { value } of samples) (this.fates.get(value) as { acknowledged: boolean }).acknowledged = true;
    this.acknowledged += samples.length;
  }

  /** What is wrong with what the server has; empty when nothing is. */
  judge(stored: ReadonlyMap<string, { timestamps: number[]; values: number[] }>): string[] {
    const problems: string[] = [];
    const seen = new Set<number>();
    for (const [key, { timestamps, values }] of stored) {
      for (const [i, value] of values.entries()) {
        const fate = this.fates.get(value);
        if (fate === undefined) problems.push(`${key}: ${value} was never sent`);
        else if (fate.key !== key) problems.push(`${value} is in ${key}, was sent for ${fate.key}`);
        else if (fate.timestampMs !== timestamps[i])
          problems.push(`${key}: ${value} at ${timestamps[i]}, sent for ${fate.timestampMs}`);
        else if (seen.has(value)) problems.push(`${key}: ${value} is there twice`);
        seen.add(value);
      }
    }
    for (const [value, { key, acknowledged }] of this.fates) {
      if (acknowledged && !seen.has(value)) problems.push(`${key}: ${value} was acknowledged and is missing`);
    }
    return problems;
  }
}

function labelsOf(writer: string, series: number): Record<string, string> {
  return { __name__: "ledger", writer, series: String(series) };
}

type Send = (url: string, agent: Agent, samples: ReturnType<Ledger["draw"]>) => Promise<number>;

const writers: Readonly<Record<string, Send>> = {
  "remote-write": async (url, agent, samples) => {
    const series = samples.map(({ series: i, timestampMs, value }) =>
      seriesOf("ledger", { series: String(i), writer: "remote-write" }, [[timestampMs, value]]),
    );
    return (await remoteWrite(url, series, { agent })).status;
  },
  json: async (url, agent, samples) => {
    const lines = samples.map(({ series, timestampMs, value }) =>
      JSON.stringify({ metric: labelsOf("json", series), values: [value], timestamps: [timestampMs] }),
    );
    return (await http(`${url}/api/v1/import`, { body: `${lines.join("\n")}\n`, agent })).status;
  },
  text: async (url, agent, samples) => {
    const lines = samples.map(
      ({ series, timestampMs, value }) => `ledger{writer="text",series="${series}"} ${value} ${timestampMs}`,
    );
    return (await http(`${url}/api/v1/import/prometheus`, { body: `${lines.join("\n")}\n`, agent })).status;
  },
};

test(
  `kill -9: ${rounds} rounds, three writers, no acknowledged sample lost, none invented`,
  { timeout: 280_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    const ledger = new Ledger();
    let flushes = 0;
    for (let round = 0; round < rounds; round++) {
      const { url, process } = await startNyanza(scope, { folder });
      const agent = new Agent({ keepAlive: true, maxSockets: 8 });
      const problems = ledger.judge(await exportSeries(url, "ledger"));
      assert.deepEqual(problems.slice(0, 10), [], `after ${round} kills: ${problems.length} problems`);

      let writing = true;
      const refused: string[] = [];
      const write = async (writer: string, send: Send): Promise<void> => {
        while (writing) {
          const samples = ledger.draw(writer);
          const status = await send(url, agent, samples).catch(() => 0);
          if (status === 204) ledger.acknowledge(samples);
          else if (status !== 0) refused.push(`${writer}: ${status}`);
          else break;
        }
      };
      const done = Promise.all(Object.entries(writers).map(([writer, send]) => write(writer, send)));
      // From at once to well into a run; in every third round during a flush.
      const delayMs = (round * 149) % 1200;
      await sleep(delayMs);
      if (round % 3 === 2) {
        void http(`${url}/internal/force_flush`).catch(() => null);
        flushes++;
        await sleep(round % 2 === 0 ? 2 : 15);
      }
      await process.kill();
      writing = false;
      await done;
      agent.destroy();
      assert.deepEqual(refused, [], `round ${round}`);
    }
    const { url, process } = await startNyanza(scope, { folder });
    const problems = ledger.judge(await exportSeries(url, "ledger"));
    assert.deepEqual(problems.slice(0, 10), [], `after the last kill: ${problems.length} problems`);
    // And once more after everything has become a merged part.
    await http(`${url}/internal/force_flush`);
    await http(`${url}/internal/force_merge`);
    assert.deepEqual(ledger.judge(await exportSeries(url, "ledger")).slice(0, 10), []);
    await process.stop();
    assert.ok(
      ledger.acknowledged > rounds * seriesPerWriter * 3,
      `only ${ledger.acknowledged} samples were acknowledged`,
    );
    console.log(
      `${rounds} kills, ${flushes} of them during a flush; ${ledger.acknowledged} samples acknowledged, all there`,
    );
  }),
);
