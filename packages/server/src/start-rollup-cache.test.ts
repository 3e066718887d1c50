/** What is kept of range queries' answers: nobody sees it but in metrics, on the main thread and in query workers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "./start.test.support.ts";
import { readMetric, type Twin, withTwins } from "./start-twins.test.support.ts";

const STEP_S = 15;
const POINTS = 120;

interface Range {
  readonly startS: number;
  readonly endS: number;
}

/** Up to now, on multiples of the step. */
function rangeNow(): Range {
  const endS = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
  return { startS: endS - (POINTS - 1) * STEP_S, endS };
}

async function append(
  { port }: Twin,
  instance: string,
  times: readonly number[],
  value: (ms: number) => number,
): Promise<void> {
  const line = { metric: { __name__: "m", instance }, values: times.map(value), timestamps: times };
  assert.equal((await ask(port, "/api/v1/import", { body: JSON.stringify(line) })).status, 204);
}

async function resultOf({ port }: Twin, text: string, { endS, startS }: Range, more = ""): Promise<string> {
  const query = `query=${encodeURIComponent(text)}&start=${startS}&end=${endS}&step=${STEP_S}${more}`;
  const { status, text: body } = await ask(port, `/api/v1/query_range?${query}`);
  assert.equal(status, 200, body);
  return JSON.stringify(JSON.parse(body).data);
}

function counts(twin: Twin): { full: number; partial: number; miss: number } {
  const read = (name: string): number => readMetric(twin, `vm_rollup_result_cache_${name}_total`);
  return { full: read("full_hits"), partial: read("partial_hits"), miss: read("miss") };
}

const QUERIES = ["sum(rate(m[5m]))", "m", "max by (instance) (m)"];

test("what is late or deleted is seen by the next query, whoever keeps answers", { timeout: 60_000 }, () =>
  withTwins(["-search.resetCacheAuthKey=k"], async ({ alone, pooled }) => {
    const range = rangeNow();
    const past = Array.from({ length: 200 }, (_, i) => (range.endS - (200 - i) * STEP_S) * 1000);
    for (const instance of ["a", "b", "c"]) await append(alone, instance, past, (ms) => ms / 1000);
    for (const twin of [alone, pooled]) {
      const same = async (): Promise<void> => {
        for (const text of QUERIES) {
          for (const dialect of ["", "&dialect=promql"]) {
            const kept = await resultOf(twin, text, range, dialect);
            const computed = await resultOf(twin, text, range, `${dialect}&nocache=1`);
            assert.ok(kept === computed, `${text}${dialect}: other answers`);
          }
        }
      };
      // The database is one, and so is what its own thread has counted.
      const start = counts(twin);
      for (let i = 0; i < 4; i++) await same();
      const before = counts(twin);
      // Twice computed, the second time kept; then used. A second worker that comes meanwhile begins with nothing.
      assert.ok(before.partial > start.partial);
      const late = `late-${twin.port}`;
      assert.ok(!(await resultOf(twin, "m", range)).includes(late));
      await append(alone, late, [(range.endS - 20 * STEP_S) * 1000], () => 1);
      assert.ok((await resultOf(twin, "m", range)).includes(late));
      await same();
      const deleting = await ask(alone.port, "/api/v1/admin/tsdb/delete_series?match[]=m{instance='b'}", {
        method: "POST",
      });
      assert.equal(deleting.status, 204);
      assert.ok(!(await resultOf(twin, "m", range)).includes('"b"'));
      await append(alone, "b", past, (ms) => ms / 500);
      assert.ok((await resultOf(twin, "m", range)).includes('"b"'));
      await same();
      assert.ok(counts(twin).partial > before.partial);

      assert.ok(readMetric(twin, 'vm_cache_entries{type="promql/rollupResult"}') > 0);
      assert.ok(readMetric(twin, 'vm_cache_size_bytes{type="promql/rollupResult"}') > 0);
      assert.equal((await ask(twin.port, "/internal/resetRollupResultCache")).status, 401);
      assert.equal((await ask(twin.port, "/internal/resetRollupResultCache?authKey=k")).status, 200);
      const { miss } = counts(twin);
      await resultOf(twin, "m", range);
      assert.equal(counts(twin).miss, miss + 1);
      assert.equal(readMetric(twin, 'vm_cache_entries{type="promql/rollupResult"}'), 0);
    }
  }),
);

test("-search.disableCache keeps nothing", { timeout: 60_000 }, () =>
  withTwins(["-search.disableCache"], async ({ alone, pooled }) => {
    const range = rangeNow();
    await append(alone, "a", [range.endS * 1000], () => 1);
    for (const twin of [alone, pooled]) {
      for (let i = 0; i < 3; i++) await resultOf(twin, "m", range);
      assert.deepEqual(counts(twin), { full: 0, partial: 0, miss: 0 });
      assert.equal(readMetric(twin, 'vm_cache_size_max_bytes{type="promql/rollupResult"}'), 0);
    }
  }),
);
