/**
 * What every implementation of the Source port must do, as tests. An implementation calls `testSource` from a test file of its
 * own with a way to make a source that holds given series:
 *
 *   testSource({ name: "memory", create: async (series) => { …store them…; return { source, close } } });
 *
 * A case that an implementation cannot fulfil is declared in `skip` with its reason, and shows in the report.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT, type Tenant } from "../../base/tenant.ts";
import type { FilterGroups, FilterOp } from "../../metricsql/ast.ts";
import type { SearchRequest, Source } from "../source.ts";

/** One series as it was written. Times ascend, none twice. */
export interface FixtureSeries {
  readonly tenant: Tenant;
  readonly labels: Labels;
  /** Milliseconds. */
  readonly timestamps: readonly number[];
  readonly values: Float64Array;
}

export interface SourceUnderTest {
  readonly source: Source;
  close(): Promise<void>;
}

export interface SourceFixture {
  readonly name: string;
  create(series: readonly FixtureSeries[]): Promise<SourceUnderTest>;
  /** Titles of cases left out, each with its reason. */
  readonly skip?: readonly { readonly reason: string; readonly cases: readonly string[] }[];
}

/** Noon of 2024-01-15 UTC, so that hours around it lie in one day and one month. */
const NOON_MS = 1_705_320_000_000;
const OTHER_TENANT: Tenant = { accountId: 7, projectId: 9 };

type Case = (source: Source) => Promise<void>;

export function testSource(fixture: SourceFixture): void {
  for (const [title, run] of CASES) {
    const left = fixture.skip?.find((entry) => entry.cases.includes(title));
    test(`source ${fixture.name}: ${title}`, { skip: left?.reason ?? false }, async () => {
      const { source, close } = await fixture.create(makeSeries());
      try {
        await run(source);
      } finally {
        await close();
      }
    });
  }
}

function labelsOf(entries: Record<string, string>): Labels {
  return Labels.from(Object.entries(entries));
}

function series(entries: Record<string, string>, times: readonly number[], values: readonly number[]): FixtureSeries {
  const timestamps = times.map((seconds) => NOON_MS + seconds * 1000);
  return { tenant: DEFAULT_TENANT, labels: labelsOf(entries), timestamps, values: Float64Array.from(values) };
}

const ODD_VALUES: Float64Array = oddValues();

/** Values that arithmetic or text would spoil: two NaN payloads, the staleness marker, -0, infinities, a denormal, 1/3. */
function oddValues(): Float64Array {
  const values = new Float64Array(10);
  const words = new BigUint64Array(values.buffer);
  words[0] = 0x7ff0000000000002n;
  words[1] = 0x7ff8000000000000n;
  words[2] = 0xfff8dead0000beefn;
  values.set([-0, 0, Infinity, -Infinity, 5e-324, 1 / 3, 2 ** 64], 3);
  return values;
}

function makeSeries(): FixtureSeries[] {
  const list = [
    series({ __name__: "up", job: "web", instance: "a" }, [0, 15, 30, 45], [1, 1, 0, 1]),
    series({ __name__: "up", job: "web", instance: "b" }, [0, 15, 30, 45], [1, 0, 1, 1]),
    series({ __name__: "up", job: "node" }, [30], [1]),
    series({ __name__: "load", instance: "a" }, [-3600, 3600], [0.5, 1.5]),
    series(
      { __name__: "odd", a: "" },
      Array.from(ODD_VALUES, (_, i) => i),
      [...ODD_VALUES].map(() => 0),
    ),
    series(
      { __name__: "names", __proto__x: "1", "label with space": 'quote " and \\ and \n', мова: "українська" },
      [0],
      [1],
    ),
    series({ __name__: "names", toString: "own" }, [0], [2]),
  ];
  (list[4] as FixtureSeries).values.set(ODD_VALUES);
  const other = series({ __name__: "up", job: "web", instance: "a" }, [0], [99]);
  const many = Array.from({ length: 300 }, (_, n) =>
    series({ __name__: "many", n: `${n}` }, [0, 1, 2], [n, n + 1, n + 2]),
  );
  return [...list, { ...other, tenant: OTHER_TENANT }, ...many];
}

interface Found {
  readonly timestamps: number[];
  readonly values: Float64Array;
}

/** All of a search, checked against the cursor's promises on the way. Keys are label sets as text. */
async function search(
  source: Source,
  groups: FilterGroups,
  fromSeconds = -7200,
  toSeconds = 7200,
  more: Partial<SearchRequest> = {},
): Promise<Map<string, Found>> {
  const cursor = await source.search({
    tenant: DEFAULT_TENANT,
    groups,
    minMs: NOON_MS + fromSeconds * 1000,
    maxMs: NOON_MS + toSeconds * 1000,
    ...more,
  });
  const found = new Map<string, Found>();
  try {
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      assert.ok(batch.series.length > 0, "an empty batch is no batch");
      assert.ok(batch.ends.length >= batch.series.length, "an end for every series");
      let lo = 0;
      batch.series.forEach((labels, i) => {
        const hi = batch.ends[i] as number;
        assert.ok(hi > lo, `${labels} has a sample in the range`);
        const timestamps = [...batch.timestamps.subarray(lo, hi)];
        for (let k = 1; k < timestamps.length; k++) {
          assert.ok((timestamps[k - 1] as number) < (timestamps[k] as number), `${labels}: times ascend`);
        }
        const key = `${labels}`;
        assert.ok(!found.has(key), `${key} comes once`);
        found.set(key, {
          timestamps: timestamps.map((ms) => (ms - NOON_MS) / 1000),
          values: batch.values.slice(lo, hi),
        });
        lo = hi;
      });
    }
    assert.equal(await cursor.next(), null, "null stays null");
    assert.ok(cursor.seriesCount >= found.size, "seriesCount counts what matched");
    assert.equal(cursor.isPartial, false);
  } finally {
    cursor.close();
  }
  return found;
}

function where(label: string, op: FilterOp, value: string): FilterGroups[number][number] {
  return { label, op, value };
}

const NAME_UP = where("__name__", "=", "up");
const UP_A = 'up{instance="a",job="web"}';
const UP_B = 'up{instance="b",job="web"}';
const UP_NODE = 'up{job="node"}';

const CASES: readonly (readonly [string, Case])[] = [
  [
    "filters select series",
    async (source) => {
      const same = async (groups: FilterGroups, ...keys: string[]): Promise<void> => {
        const found = await search(source, groups);
        assert.deepEqual([...found.keys()].sort(), keys.sort(), JSON.stringify(groups));
      };
      await same([[NAME_UP]], UP_A, UP_B, UP_NODE);
      await same([[NAME_UP, where("job", "=", "web")]], UP_A, UP_B);
      await same([[NAME_UP, where("job", "!=", "web")]], UP_NODE);
      await same([[NAME_UP, where("instance", "=~", "a|b")]], UP_A, UP_B);
      await same([[NAME_UP, where("instance", "=~", "[b-z]+")]], UP_B);
      await same([[NAME_UP, where("job", "=~", "we")]]);
      await same([[NAME_UP, where("job", "=~", "we.*")]], UP_A, UP_B);
      await same([[NAME_UP, where("job", "!~", "n.+")]], UP_A, UP_B);
      await same([[where("__name__", "=~", "u.|load")]], UP_A, UP_B, UP_NODE, 'load{instance="a"}');
      await same([[where("__name__", "=", "no such")]]);
    },
  ],
  [
    "a missing label equals the empty one",
    async (source) => {
      const same = async (groups: FilterGroups, ...keys: string[]): Promise<void> => {
        const found = await search(source, groups);
        assert.deepEqual([...found.keys()].sort(), keys.sort(), JSON.stringify(groups));
      };
      await same([[NAME_UP, where("instance", "=", "")]], UP_NODE);
      await same([[NAME_UP, where("instance", "!=", "")]], UP_A, UP_B);
      await same([[NAME_UP, where("instance", "=~", "a|")]], UP_A, UP_NODE);
      await same([[NAME_UP, where("instance", "!~", "a|")]], UP_B);
      await same([[NAME_UP, where("instance", "=~", ".*")]], UP_A, UP_B, UP_NODE);
      await same([[NAME_UP, where("nowhere", "=", "")]], UP_A, UP_B, UP_NODE);
      await same([[NAME_UP, where("nowhere", "!=", "x")]], UP_A, UP_B, UP_NODE);
    },
  ],
  [
    "groups are alternatives, and none of them matches nothing",
    async (source) => {
      const either = [
        [NAME_UP, where("instance", "=", "a")],
        [NAME_UP, where("job", "=", "web")],
      ];
      assert.deepEqual([...(await search(source, either)).keys()].sort(), [UP_A, UP_B]);
      assert.equal((await search(source, [])).size, 0);
      assert.equal((await search(source, [[]])).size, 0);
    },
  ],
  [
    "ranges are inclusive at both ends",
    async (source) => {
      const times = async (from: number, to: number): Promise<number[] | undefined> =>
        (await search(source, [[NAME_UP, where("instance", "=", "a")]], from, to)).get(UP_A)?.timestamps;
      assert.deepEqual(await times(0, 45), [0, 15, 30, 45]);
      assert.deepEqual(await times(15, 30), [15, 30]);
      assert.deepEqual(await times(30, 30), [30]);
      assert.deepEqual(await times(15.001, 29.999), undefined);
      assert.deepEqual(await times(-100, 14.999), [0]);
    },
  ],
  [
    "series without samples in the range do not occur",
    async (source) => {
      assert.deepEqual([...(await search(source, [[NAME_UP]], 0, 29)).keys()].sort(), [UP_A, UP_B]);
      const load = [[where("__name__", "=", "load")]];
      assert.equal((await search(source, load, -60, 60)).size, 0);
      assert.deepEqual((await search(source, load)).get('load{instance="a"}')?.timestamps, [-3600, 3600]);
    },
  ],
  [
    "values keep their bits",
    async (source) => {
      const found = (await search(source, [[where("__name__", "=", "odd")]])).get("odd")?.values as Float64Array;
      const bits = (values: Float64Array): string[] =>
        [...new BigUint64Array(values.slice().buffer)].map((word) => word.toString(16));
      assert.deepEqual(bits(found), bits(ODD_VALUES));
    },
  ],
  [
    "label names and values are any text",
    async (source) => {
      const found = await search(source, [[where("мова", "=", "українська")]]);
      assert.equal(found.size, 1);
      assert.match([...found.keys()][0] as string, /label with space=.*quote/);
      assert.equal((await search(source, [[where("toString", "=", "own")]])).size, 1);
      assert.equal((await search(source, [[where("hasOwnProperty", "!=", "")]])).size, 0);
    },
  ],
  [
    "tenants do not meet",
    async (source) => {
      const other = await search(source, [[NAME_UP]], -7200, 7200, { tenant: OTHER_TENANT });
      assert.deepEqual(
        [...other.values()].map((found) => [...found.values]),
        [[99]],
      );
      const nobody = await search(source, [[NAME_UP]], -7200, 7200, { tenant: { accountId: 7, projectId: 0 } });
      assert.equal(nobody.size, 0);
    },
  ],
  [
    "many series come whole and once",
    async (source) => {
      const found = await search(source, [[where("__name__", "=", "many")]]);
      assert.equal(found.size, 300);
      for (let n = 0; n < 300; n++) {
        assert.deepEqual([...(found.get(`many{n="${n}"}`) as Found).values], [n, n + 1, n + 2]);
      }
    },
  ],
  [
    "more series than allowed is the caller's mistake",
    async (source) => {
      const groups = [[where("__name__", "=", "many")]];
      await assert.rejects(
        search(source, groups, 0, 10, { maxSeries: 299 }),
        (error) => error instanceof InputError && error.status === 422,
      );
      assert.equal((await search(source, groups, 0, 10, { maxSeries: 300 })).size, 300);
    },
  ],
  [
    "a cancelled search rejects with the signal's reason",
    async (source) => {
      const reason = new Error("the client went away");
      const groups = [[where("__name__", "=", "many")]];
      await assert.rejects(search(source, groups, 0, 10, { signal: AbortSignal.abort(reason) }), reason);
    },
  ],
  [
    "a closed cursor has no more batches",
    async (source) => {
      const groups = [[where("__name__", "=", "many")]];
      const cursor = await source.search({ tenant: DEFAULT_TENANT, groups, minMs: NOON_MS, maxMs: NOON_MS + 9000 });
      await cursor.next();
      cursor.close();
      assert.equal(await cursor.next(), null);
    },
  ],
  [
    "series, label names and values by filter and time",
    async (source) => {
      const request = { tenant: DEFAULT_TENANT, groups: [[NAME_UP]], minMs: NOON_MS, maxMs: NOON_MS + 60_000 };
      const found = await source.series(request);
      assert.deepEqual(found.items.map(String), [UP_A, UP_B, UP_NODE]);
      assert.equal(found.isPartial, false);
      assert.deepEqual((await source.labelNames(request)).items, ["__name__", "instance", "job"]);
      assert.deepEqual((await source.labelValues("job", request)).items, ["node", "web"]);
      // `load` has samples an hour before and after: an index by day may list it.
      const names = (await source.labelValues("__name__", { ...request, groups: [] })).items;
      assert.deepEqual(
        names.filter((name) => name !== "load"),
        ["many", "names", "odd", "up"],
      );
      assert.deepEqual((await source.labelValues("nowhere", request)).items, []);
    },
  ],
  [
    "limits cut answers, 0 does not",
    async (source) => {
      const request = { tenant: DEFAULT_TENANT, groups: [[NAME_UP]], minMs: NOON_MS, maxMs: NOON_MS + 60_000 };
      assert.equal((await source.series({ ...request, limit: 2 })).items.length, 2);
      assert.equal((await source.labelNames({ ...request, limit: 1 })).items.length, 1);
      assert.equal((await source.labelValues("job", { ...request, limit: 0 })).items.length, 2);
    },
  ],
];
