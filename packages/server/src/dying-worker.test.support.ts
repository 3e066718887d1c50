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
/** In small bites: where one array that grows asks for a large piece near the limit, V8 ends the process and not the worker. */
function eat(): never {
  for (let eaten: object | null = null, count = 0; ; count++) eaten = { more: [count, `${count} before`], eaten };
}
