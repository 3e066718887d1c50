/** The program of a worker with a reader: does what reader-thread.ts asks it to, and answers in plain data. */
import { parentPort } from "node:worker_threads";
import { assert } from "../../../base/errors.ts";
import type { Peer } from "../peer.ts";
import { connectReader, type Reader } from "../reader.ts";
import { type Found, readCursor } from "./found.ts";
import type { Job, Outcome, ToWorker } from "./reader-thread.ts";

assert(parentPort !== null, "this is a worker's program");
const main = parentPort;
let reader: Reader | null = null;
const peers: Peer[] = [];
const stopping: Map<number, AbortController> = new Map();

main.on("message", (message: ToWorker) => {
  if (message.kind === "connect") reader = connectReader(message.port, message.options);
  else if (message.kind === "meet") peers.push((reader as Reader).meet(message.port));
  else if (message.kind === "stop") stopping.get(message.number)?.abort(new Error("stopped"));
  else void run(message.number, message.job);
});

async function run(number: number, job: Job): Promise<void> {
  const controller = new AbortController();
  stopping.set(number, controller);
  let outcome: Outcome;
  try {
    outcome = { number, value: await answerOf(reader as Reader, job, controller.signal), error: null };
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    outcome = { number, value: null, error: { message, code } };
  } finally {
    stopping.delete(number);
  }
  main.postMessage(outcome);
}

async function answerOf(reader: Reader, job: Job, signal: AbortSignal): Promise<unknown> {
  switch (job.kind) {
    case "export":
      return (await readCursor(await reader.export({ ...job.request, signal }))) satisfies Found;
    case "hold": {
      // Begins to read and never goes on.
      const cursor = await reader.export(job.request);
      await cursor.next();
      return cursor.seriesCount;
    }
    case "query":
      return (await reader.query(job.text, { ...job.options, signal })).series.map(({ labels, values }) => [
        labels.toString(),
        [...values],
      ]);
    case "queryRange": {
      const helpers = job.isHelped === true ? { helpers: peers } : {};
      const { series } = await reader.queryRange(job.text, { ...job.options, ...helpers, signal });
      return series.map(({ labels, values }) => [labels.toString(), [...values]]);
    }
    case "labelValues":
      return (await reader.labelValues(job.label, { ...job.options, signal })).items;
    case "stats":
      return reader.stats();
    case "close":
      reader.close();
      return null;
  }
}
