import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

const never = new AbortController().signal;

function spin(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

/** Counts how often the event loop has been round. */
function countRounds(): { readonly rounds: number; stop(): void } {
  const counter = { rounds: 0, stop: (): void => clearImmediate(next) };
  let next = setImmediate(function again() {
    counter.rounds += 1;
    next = setImmediate(again);
  });
  return counter;
}

test("large work is done in the order in which it came, and the loop goes round in between", async () => {
  const turns = new Turns();
  const counter = countRounds();
  const order: number[] = [];
  const roundOf: number[] = [];
  await Promise.all(
    [0, 1, 2, 3].map(async (i) => {
      await turns.take(never);
      // Work may come in several microtasks, as that of a parser and a storage does.
      await Promise.resolve();
      spin(4);
      order.push(i);
      roundOf.push(counter.rounds);
    }),
  );
  counter.stop();
  assert.deepEqual(order, [0, 1, 2, 3]);
  assert.equal(new Set(roundOf).size, 4, `rounds ${roundOf}`);
});

test("a write that ends while others wait is answered before they are worked on", async () => {
  const turns = new Turns();
  const events: string[] = [];
  const work = async (name: string): Promise<void> => {
    await turns.take(never);
    spin(4);
    events.push(`${name} worked`);
    await new Promise((resolve) => setImmediate(resolve));
    events.push(`${name} answered`);
  };
  await Promise.all([work("a"), work("b"), work("c")]);
  assert.ok(events.indexOf("a answered") < events.indexOf("c worked"), events.join(", "));
});

test("small work is all done in one round", async () => {
  const turns = new Turns();
  const counter = countRounds();
  const order: number[] = [];
  await Promise.all(Array.from({ length: 20 }, (_, i) => turns.take(never).then(() => order.push(i))));
  counter.stop();
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, i) => i),
  );
  // It is one; a machine that stands still for a slice makes it one more.
  assert.ok(counter.rounds < 10, `${counter.rounds} rounds`);
});

test("what waits behind large work does not cost a round each", async () => {
  const turns = new Turns();
  const counter = countRounds();
  let startRound = 0;
  const large = turns.take(never).then(() => {
    spin(4);
    startRound = counter.rounds;
  });
  await large;
  let rounds = 0;
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      await turns.take(never);
      await Promise.resolve();
      rounds = counter.rounds - startRound;
    }),
  );
  counter.stop();
  // One is needed; a machine that stands still for a slice makes it one more.
  assert.ok(rounds >= 1 && rounds < 20, `${rounds} rounds`);
});

test("who hangs up while waiting does not work, and those behind have their turns", async () => {
  const turns = new Turns();
  const client = new AbortController();
  const first = turns.take(never).then(() => spin(4));
  await first;
  const aborted = turns.take(client.signal);
  const last = turns.take(never);
  client.abort(new Error("hung up"));
  await assert.rejects(aborted, /hung up/);
  await last;
});

test("after a pause there is a new slice", async () => {
  const turns = new Turns();
  await turns.take(never).then(() => spin(4));
  await new Promise((resolve) => setTimeout(resolve, 5));
  let isDone = false;
  void turns.take(never).then(() => {
    isDone = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  assert.ok(isDone);
});
