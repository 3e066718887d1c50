/** The program of a query worker: reads the database that the main thread has open, and writes answers. */
import { parentPort, workerData } from "node:worker_threads";
import { connectReader } from "@nyanza/tsdb";
import { type ReadTask, runTask } from "../api/tasks.ts";
import { givePiece } from "../http/pieces.ts";
import { type CacheBytes, type ToWorker, type WorkerSettings, writeError } from "./messages.ts";
import { PortAnswer } from "./port-answer.ts";

interface Running {
  readonly answer: PortAnswer;
  readonly stop: AbortController;
}

const { port, ...caches } = workerData as WorkerSettings;
const main = parentPort as NonNullable<typeof parentPort>;
const reader = connectReader(port, caches);
const running: Map<number, Running> = new Map();

main.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "task":
      void run(message.number, message.task);
      return;
    case "cancel":
      running.get(message.number)?.stop.abort();
      return;
    case "taken":
      if (message.memory !== null) givePiece(Buffer.from(message.memory));
      running.get(message.number)?.answer.taken();
  }
});

async function run(number: number, task: ReadTask): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const answer = new PortAnswer(main, number, signal, cacheBytes);
  running.set(number, { answer, stop });
  try {
    await runTask(task, reader, {
      answer,
      signal,
      onEvaluated: (evaluated) => answer.tellEvaluated(evaluated),
      onImplicit: (message) => main.postMessage({ kind: "implicit", number, message }),
    });
  } catch (error) {
    main.postMessage({ kind: "failed", number, error: writeError(error), evaluated: answer.takeEvaluated() });
  } finally {
    running.delete(number);
  }
}

function cacheBytes(): CacheBytes {
  const { indexCacheBytes, partCacheBytes } = reader.stats();
  return { indexCacheBytes, partCacheBytes };
}
