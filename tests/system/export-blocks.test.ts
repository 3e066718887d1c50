/** One server's blocks into another: every sample bit by bit, NaN payloads and labels that are not UTF-8 among them; a source that is killed on the way. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { digestDatabase } from "./support/database-digest.ts";
import { http } from "./support/http.ts";
import { type Nyanza, startNyanza } from "./support/nyanza.ts";
import { readMemory } from "./support/process.ts";
import { remoteWrite, type SentSeries } from "./support/remote-write.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const START_MS = Date.UTC(2026, 0, 31, 20);
const FLAGS = ["-selfScrapeInterval=0s"];
const EVERYTHING = encodeURIComponent('{no_such_label=""}');

function start(scope: Scope, folder: string): Promise<Nyanza> {
  return startNyanza(scope, { folder, flags: FLAGS });
}

/** 200 series over a month's end, any bits for values in some of them. */
async function fill(url: string): Promise<void> {
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  for (let part = 0; part < 4; part++) {
    const sent: SentSeries[] = Array.from({ length: 200 }, (_, i) => {
      const words = Uint32Array.from({ length: 6000 }, () => next());
      // Odd ones are counters; every third of the rest is stale here and there.
      const values =
        i % 2 === 1 ? Float64Array.from({ length: 3000 }, (_, k) => 3000 * part + k) : new Float64Array(words.buffer);
      if (i % 3 === 0) values.set(new Float64Array(Uint32Array.of(2, 0x7ff00000).buffer), 5);
      return {
        labels: [
          ["__name__", `blocks_${i % 7}`],
          ["bytes", Buffer.from([0xff, i, 0xc3])],
          ["i", String(i)],
        ],
        timestamps: Array.from(
          { length: 3000 },
          (_, k) => START_MS + (3000 * part + k) * 2000 + (i % 5 === 0 ? k % 7 : 0),
        ),
        values,
      };
    });
    assert.equal((await remoteWrite(url, sent)).status, 204);
    // Some of it in parts, some in memory.
    if (part === 1) await http(`${url}/internal/force_flush`);
  }
}

test(
  "what is exported as blocks and imported is the same database, bit by bit",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const [here, there] = [makeFolder(scope), makeFolder(scope)];
    const source = await start(scope, here);
    await fill(source.url);
    const target = await start(scope, there);
    // Straight from one socket into the other: neither of the servers, nor anybody between, has it as a whole.
    const status = await new Promise<number>((resolve, reject) => {
      request(`${source.url}/api/v1/export/blocks?match[]=${EVERYTHING}`, (blocks) => {
        const importing = request(`${target.url}/api/v1/import/blocks`, { method: "POST" }, (answer) => {
          answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
        });
        blocks.on("error", reject).pipe(importing).on("error", reject);
      })
        .on("error", reject)
        .end();
    });
    assert.equal(status, 204);
    const metrics = (await http(`${target.url}/metrics`)).text;
    assert.match(metrics, /^vm_rows_inserted_total\{type="blocks"\} 2400000$/m);
    assert.match(metrics, /^vm_http_requests_total\{path="\/api\/v1\/import\/blocks"\} 1$/m);
    // A second time changes nothing.
    const blocks = (await http(`${source.url}/api/v1/export/blocks?match[]=${EVERYTHING}`)).body;
    assert.equal((await http(`${target.url}/api/v1/import/blocks`, { body: blocks })).status, 204);
    console.log(
      `${(blocks.length / 2.4e6).toFixed(2)} bytes a sample, half of them noise; ${readMemory(target.process.pid).peakBytes >> 20} MB at most`,
    );
    await Promise.all([source.process.stop(), target.process.stop()]);
    const wanted = await digestDatabase(here);
    assert.equal(wanted.samples, 2_400_000);
    assert.deepEqual(await digestDatabase(there), wanted);
  }),
);

test(
  "a source that is killed leaves a stream that nobody takes for whole",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const source = await start(scope, makeFolder(scope));
    await fill(source.url);
    const target = await start(scope, makeFolder(scope));
    const received = await new Promise<Buffer>((resolve, reject) => {
      request(`${source.url}/api/v1/export/blocks?match[]=${EVERYTHING}`, (answer) => {
        const chunks: Buffer[] = [];
        answer.once("data", () => void source.process.kill());
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", () => {});
        answer.on("close", () => resolve(Buffer.concat(chunks)));
      })
        .on("error", reject)
        .end();
    });
    const { status, text } = await http(`${target.url}/api/v1/import/blocks`, { body: received });
    assert.equal(status, 400);
    const [, taken] = /it was cut; (\d+) samples in \d+ blocks before it were taken/.exec(text) ?? [];
    assert.ok(Number(taken) < 2_400_000, text);
    const metrics = (await http(`${target.url}/metrics`)).text;
    assert.match(metrics, new RegExp(`^vm_rows_inserted_total\\{type="blocks"\\} ${taken}$`, "m"));
  }),
);
