/** A worker with a reader, for tests: a database is read from another thread indeed. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { SearchRequest } from "../../../query/source.ts";
import type { Database } from "../../database.ts";
import type { LabelsOptions, QueryOptions, QueryRangeOptions } from "../../queries.ts";
import type { ServedReader } from "../host.ts";
import type { ReaderStats } from "../reader.ts";
import type { Found } from "./found.ts";

export type Job =
  | { readonly kind: "export" | "hold"; readonly request: SearchRequest }
  | { readonly kind: "query"; readonly text: string; readonly options: QueryOptions }
  /** Helped by all readers that this one has met, or by none. */
  | {
      readonly kind: "queryRange";
      readonly text: string;
      readonly options: QueryRangeOptions;
      readonly isHelped?: boolean;
    }
  | { readonly kind: "labelValues"; readonly label: string; readonly options: LabelsOptions }
  | { readonly kind: "stats" | "close" };

export type ToWorker =
  | { readonly kind: "connect"; readonly port: MessagePort; readonly options: Record<string, number> }
  | { readonly kind: "meet"; readonly port: MessagePort }
  | { readonly kind: "job"; readonly number: number; readonly job: Job }
  | { readonly kind: "stop"; readonly number: number };

export interface Outcome {
  readonly number: number;
  readonly value: unknown;
  readonly error: { readonly message: string; readonly code: string | undefined } | null;
}

/** Waits for the end of a port, which itself keeps nobody waiting. */
export async function ended(served: ServedReader): Promise<void> {
  const alive = setInterval(() => {}, 1_000);
  await served.ended;
  clearInterval(alive);
}

export class ReaderThread {
  readonly served: ServedReader;
  readonly worker: Worker;
  private readonly waiting: Map<number, (outcome: Outcome) => void> = new Map();
  private lastNumber = 0;

  constructor(database: Database, options: Record<string, number> = {}) {
    this.worker = new Worker(new URL("./reader-worker.js", import.meta.url), { name: "reader", execArgv: [] });
    this.worker.on("message", (outcome: Outcome) => {
      this.waiting.get(outcome.number)?.(outcome);
      this.waiting.delete(outcome.number);
    });
    const { port1, port2 } = new MessageChannel();
    this.served = database.serveReader(port1);
    this.worker.postMessage({ kind: "connect", port: port2, options } satisfies ToWorker, [port2]);
  }

  /** From now on each can help the other. */
  meet(other: ReaderThread): void {
    const { port1, port2 } = new MessageChannel();
    this.worker.postMessage({ kind: "meet", port: port1 } satisfies ToWorker, [port1]);
    other.worker.postMessage({ kind: "meet", port: port2 } satisfies ToWorker, [port2]);
  }

  async export(request: SearchRequest): Promise<Found> {
    return (await this.do({ kind: "export", request })) as Found;
  }

  async stats(): Promise<ReaderStats> {
    return (await this.do({ kind: "stats" })) as ReaderStats;
  }

  /** @throws what the reader threw, with its message and code */
  async do(job: Job): Promise<unknown> {
    return await this.start(job).done;
  }

  start(job: Job): { readonly done: Promise<unknown>; stop(): void } {
    const number = ++this.lastNumber;
    const done = new Promise<unknown>((resolve, reject) => {
      this.waiting.set(number, ({ value, error }) => {
        if (error === null) resolve(value);
        else reject(Object.assign(new Error(error.message), { code: error.code }));
      });
    });
    this.post({ kind: "job", number, job });
    return { done, stop: () => this.post({ kind: "stop", number }) };
  }

  /** Ends the thread, whatever it is at. */
  async kill(): Promise<void> {
    await this.worker.terminate();
    await ended(this.served);
  }

  private post(message: ToWorker): void {
    this.worker.postMessage(message);
  }
}
