/** A query worker's program that does as a query says: throws, eats memory, hangs; everything else it carries out. */
import { parentPort } from "node:worker_threads";
import type { ToWorker } from "./workers/messages.ts";

// First, so that no message finds only the listener below.
await import("./workers/worker.js");
parentPort?.on("message", (message: ToWorker) => {
  if (message.kind !== "task" || message.task.kind !== "query") return;
  const { text } = message.task;
  if (text === '"throw"') throw new Error("a bug in a worker");
  if (text === '"eat"') eat();
});
function eat(): never {
  const eaten: object[] = [];
  for (;;) eaten.push({ more: [eaten.length, { than: `${eaten.length} before` }] });
}
