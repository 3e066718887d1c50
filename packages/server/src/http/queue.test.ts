import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { OverloadError } from "./errors.ts";
import { type Lane, RequestQueue } from "./queue.ts";

const LIMITS = { maxWaitMs: 60_000, status: 429, flags: "-a and -b" } as const;
const NEVER = new AbortController().signal;

/** Work that goes on until it is told to end, and the order in which it began. */
class Works {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly #queue: RequestQueue;

  constructor(queue: RequestQueue) {
    this.#queue = queue;
  }

  start(name: string, lane: Lane, signal: AbortSignal = NEVER): Promise<void> {
    const work = (): Promise<void> => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    };
    return this.#queue.run(signal, work, lane);
  }

  /** Ends one and lets the next begin. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
    await sleep(0);
  }
}

test("light work goes first, heavy work gets every fifth turn", async () => {
  const queue = new RequestQueue({ ...LIMITS, capacity: 1 });
  const works = new Works(queue);
  const all: Promise<void>[] = [works.start("first", "heavy")];
  for (const lane of ["heavy", "light"] as const) {
    for (let i = 0; i < 10; i++) all.push(works.start(`${lane}${i}`, lane));
  }
  assert.deepEqual([queue.running, queue.waiting, queue.limitReached], [1, 20, 20]);
  while (works.begun.length < 21) await works.end(works.begun.at(-1) as string);
  assert.deepEqual(
    works.begun.map((name) => name.replace("light", "l").replace("heavy", "H")).join(" "),
    "first l0 l1 l2 l3 H0 l4 l5 l6 l7 H1 l8 l9 H2 H3 H4 H5 H6 H7 H8 H9",
  );
  await works.end("heavy9");
  await Promise.all(all);
  assert.deepEqual([queue.running, queue.waiting], [0, 0]);
});

test("heavy work leaves the reserved places to light work", async () => {
  const queue = new RequestQueue({ ...LIMITS, capacity: 4, reserved: 1, maxWaitMs: 20 });
  const works = new Works(queue);
  const all = ["a", "b", "c"].map((name) => works.start(name, "heavy"));
  await assert.rejects(
    works.start("d", "heavy"),
    (error) =>
      error instanceof OverloadError &&
      error.status === 429 &&
      error.message ===
        "no turn in 0.02 seconds: 3 requests are at work, 3 of at most 3 ranges and exports; see -a and -b",
  );
  all.push(works.start("light", "light"));
  assert.deepEqual(works.begun, ["a", "b", "c", "light"]);
  await assert.rejects(works.start("e", "light"), /no turn in 0\.02 seconds: 4 requests are at work; see -a and -b$/);
  const waiting = works.start("f", "heavy");
  await works.end("light");
  assert.equal(works.begun.length, 4);
  await works.end("a");
  assert.deepEqual(works.begun.slice(4), ["f"]);
  for (const name of ["b", "c", "f"]) await works.end(name);
  await Promise.all([...all, waiting]);
  assert.deepEqual([queue.running, queue.waiting, queue.limitTimeouts], [0, 0, 2]);
});

test("who gives up, before its turn or while it waits, leaves with its own reason", async () => {
  const queue = new RequestQueue({ ...LIMITS, capacity: 1 });
  const works = new Works(queue);
  const first = works.start("first", "light");
  const reason = new Error("enough");
  await assert.rejects(works.start("never", "light", AbortSignal.abort(reason)), reason);
  const abort = new AbortController();
  const waiting = works.start("waiting", "heavy", abort.signal);
  abort.abort(reason);
  await assert.rejects(waiting, reason);
  assert.deepEqual([queue.running, queue.waiting], [1, 0]);
  await works.end("first");
  await first;
  await assert.rejects(
    queue.run(NEVER, () => {
      throw reason;
    }),
    reason,
  );
  assert.deepEqual([queue.running, queue.waiting], [0, 0]);
});

test("property: never more at work than there are places, and in the end none", async () => {
  const lanes = fc.array(fc.tuple(fc.constantFrom<Lane>("light", "heavy"), fc.nat(3), fc.boolean()), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.nat(3), lanes, async (capacity, reserved, requests) => {
      const queue = new RequestQueue({ ...LIMITS, capacity, reserved: Math.min(reserved, capacity - 1) });
      const atWork = { light: 0, heavy: 0 };
      let done = 0;
      const run = async (lane: Lane, turns: number, givesUp: boolean): Promise<void> => {
        const abort = new AbortController();
        const work = async (): Promise<void> => {
          atWork[lane] += 1;
          assert.ok(atWork.light + atWork.heavy <= capacity);
          assert.ok(atWork.heavy <= capacity - Math.min(reserved, capacity - 1));
          for (let i = 0; i < turns; i++) await null;
          atWork[lane] -= 1;
        };
        const running = queue.run(abort.signal, work, lane);
        if (givesUp) abort.abort(new Error("gave up"));
        await running.catch((error: Error) => assert.equal(error.message, "gave up"));
        done += 1;
      };
      await Promise.all(requests.map(([lane, turns, givesUp]) => run(lane, turns, givesUp)));
      assert.equal(done, requests.length);
      assert.deepEqual([queue.running, queue.waiting], [0, 0]);
    }),
    { numRuns: 200 },
  );
});
