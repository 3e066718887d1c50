import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type CpuProfile, takeCpuProfile } from "./cpu-profile.ts";
import { encodePprof } from "./pprof.ts";

type Fields = Map<number, (number | Buffer)[]>;

/** Fields of a message by number: whole numbers, and bytes of everything else. */
function decode(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  const reader = new Varints(bytes);
  while (!reader.isDone) {
    const tag = reader.next();
    const value = tag % 8 === 0 ? reader.next() : reader.bytes(reader.next());
    const field = Math.floor(tag / 8);
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

class Varints {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++];
      assert.ok(byte !== undefined, "cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  bytes(length: number): Buffer {
    assert.ok(this.#at + length <= this.#bytes.length, "cut off");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function numbers(bytes: Buffer): number[] {
  const list: number[] = [];
  for (const reader = new Varints(bytes); !reader.isDone; ) list.push(reader.next());
  return list;
}

/** Stacks as text, leaf first, with how often and how long: `b < a (x.js:8): 2, 3000000`. */
function read(packed: Buffer): { stacks: string[]; profile: Fields } {
  const profile = decode(gunzipSync(packed));
  const all = (field: number): Fields[] => (profile.get(field) ?? []).map((bytes) => decode(bytes as Buffer));
  const one = (fields: Fields, field: number): number => (fields.get(field)?.[0] as number | undefined) ?? 0;
  const strings = (profile.get(6) ?? []).map((bytes) => String(bytes));
  assert.equal(strings[0], "");
  const functions = new Map(
    all(5).map((fields) => [
      one(fields, 1),
      `${strings[one(fields, 2)]}${one(fields, 4) === 0 ? "" : ` (${strings[one(fields, 4)]}:${one(fields, 5)})`}`,
    ]),
  );
  const locations = new Map(
    all(4).map((fields) => [one(fields, 1), functions.get(one(decode(fields.get(4)?.[0] as Buffer), 1))]),
  );
  const types = all(1).map((fields) => `${strings[one(fields, 1)]}/${strings[one(fields, 2)]}`);
  assert.deepEqual(types, ["samples/count", "cpu/nanoseconds"]);
  const stacks = all(2).map((fields) => {
    const names = numbers(fields.get(1)?.[0] as Buffer).map((number) => locations.get(number));
    const label = decode(fields.get(3)?.[0] as Buffer);
    assert.equal(strings[one(label, 1)], "thread");
    return `${strings[one(label, 2)]}: ${names.join(" < ")}: ${numbers(fields.get(2)?.[0] as Buffer).join(", ")}`;
  });
  return { stacks, profile };
}

const frame = (functionName: string, url = "", lineNumber = -1): CpuProfile["nodes"][number]["callFrame"] => ({
  functionName,
  scriptId: url === "" ? "0" : "7",
  url,
  lineNumber,
  columnNumber: 0,
});

const TREE: CpuProfile = {
  startTime: 1_000_000,
  endTime: 1_010_000,
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 3, 4] },
    { id: 2, callFrame: frame("(idle)") },
    { id: 3, callFrame: frame("a", "x.js", 6), children: [5, 6] },
    { id: 4, callFrame: frame("(garbage collector)") },
    { id: 5, callFrame: frame("é<b>", "x.js", 7) },
    { id: 6, callFrame: frame("", "x.js", 8), children: [7] },
    { id: 7, callFrame: frame("a", "x.js", 6) },
  ],
  samples: [2, 5, 5, 4, 7, 99, 2],
  timeDeltas: [100, 1000, 1500, 1500, 700, -5, 1000],
};

test("a tree of calls becomes stacks, leaf first, without the time the thread slept", () => {
  const { profile, stacks } = read(encodePprof([{ thread: "main", profile: TREE }], 1_700_000_000_000));
  assert.deepEqual(stacks, [
    "main: (garbage collector): 1, 700000",
    "main: é<b> (x.js:8) < a (x.js:7): 2, 3000000",
    "main: a (x.js:7) < (anonymous) (x.js:9) < a (x.js:7): 1, 0",
  ]);
  assert.deepEqual(profile.get(9), [1_699_999_999_990_000_000]);
  assert.deepEqual(profile.get(10), [10_000_000]);
});

test("threads are told apart, and a function is one in all of them", () => {
  const other: CpuProfile = {
    startTime: 0,
    endTime: 12_000,
    nodes: [
      { id: 1, callFrame: frame("(root)"), children: [2] },
      // Another number for the same script.
      { id: 2, callFrame: { ...frame("a", "x.js", 6), scriptId: "91" } },
    ],
    samples: [2, 2],
    timeDeltas: [0, 2000],
  };
  const { profile, stacks } = read(
    encodePprof(
      [
        { thread: "main", profile: TREE },
        { thread: "query-1", profile: other },
      ],
      1_700_000_000_000,
    ),
  );
  assert.equal(stacks.length, 4);
  assert.equal(stacks[3], "query-1: a (x.js:7): 2, 2000000");
  assert.equal(profile.get(5)?.length, 4, "functions");
  assert.deepEqual(profile.get(10), [12_000_000]);
});

test("nothing seen is an empty profile", () => {
  const profile: CpuProfile = { startTime: 5, endTime: 5, nodes: [{ id: 1, callFrame: frame("(root)") }] };
  assert.deepEqual(read(encodePprof([{ thread: "main", profile }], 1_700_000_000_000)).stacks, []);
  assert.deepEqual(read(encodePprof([], 1_700_000_000_000)).stacks, []);
});

test("a real profile names what was at work, and ends when nobody wants it any more", async () => {
  const never = new AbortController().signal;
  const taking = takeCpuProfile(200, never);
  let isTaken = false;
  void taking.then(() => {
    isTaken = true;
  });
  function workHard(): number {
    let sum = 0;
    for (const endMs = performance.now() + 10; performance.now() < endMs; ) sum += Math.sqrt(sum + 1);
    return sum;
  }
  while (!isTaken) {
    workHard();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { stacks } = read(encodePprof([{ thread: "main", profile: await taking }], Date.now()));
  assert.ok(
    stacks.some((stack) => stack.includes("workHard")),
    stacks.join("\n"),
  );

  const abort = new AbortController();
  const aborted = takeCpuProfile(60_000, abort.signal);
  setTimeout(() => abort.abort(new Error("gone")), 10);
  await assert.rejects(aborted, /^Error: gone$/);
  await assert.rejects(takeCpuProfile(60_000, abort.signal), /^Error: gone$/);
});
