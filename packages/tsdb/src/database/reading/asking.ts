/** The reader's end of the port: questions with their answers, and what is told without being asked. The port keeps its thread alive only while somebody waits for an answer. */
import type { MessagePort } from "node:worker_threads";
import type { InUse, Origin, SnapshotMessage } from "../../storage/reading/snapshot-message.ts";
import { ClosedError } from "../../storage/storage.ts";
import { type Answer, type FromHost, type FromReader, type Question, readError } from "./conversation.ts";

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** To be told what comes without a question. */
export interface Listener {
  onOrigin(origin: Origin): void;
  onInUse(inUse: InUse): void;
  /** A snapshot, in the order in which they were described; whether anybody waits for it is said. */
  onBegun(snapshot: SnapshotMessage, isAwaited: boolean): void;
  /** The port is closed. */
  onEnd(): void;
}

type AnswerTo<Q extends Question> = Extract<Answer, { kind: Q["kind"] }>;

export class Conversation {
  private readonly port: MessagePort;
  private readonly waiting: Map<number, Waiting> = new Map();
  private lastNumber = 0;
  /** Nothing is to be begun any more. */
  private isClosing = false;
  private isClosed = false;

  constructor(port: MessagePort) {
    this.port = port;
  }

  /** Calls back from the next turn on. */
  listen(listener: Listener): void {
    this.port.on("message", (message: FromHost) => this.hear(message, listener));
    this.port.once("close", () => {
      this.isClosed = true;
      for (const { reject } of this.waiting.values()) reject(new ClosedError("the database is closed"));
      this.waiting.clear();
      listener.onEnd();
    });
    this.port.unref();
  }

  /**
   * Asks, and waits for the answer. @throws the signal's reason as soon as there is one, ClosedError, and what the host could not answer
   */
  async ask<Q extends Question>(question: Q, signal: AbortSignal | undefined): Promise<AnswerTo<Q>> {
    signal?.throwIfAborted();
    if (this.isClosed || (this.isClosing && question.kind === "begin")) {
      throw new ClosedError("the database is closed");
    }
    const number = ++this.lastNumber;
    const answered = new Promise<Answer>((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
    });
    const onAbort = (): void => {
      const waiting = this.waiting.get(number);
      this.waiting.delete(number);
      this.post({ kind: "cancel", number });
      waiting?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    if (this.waiting.size === 1) this.port.ref();
    this.post({ kind: "ask", number, question });
    try {
      return (await answered) as AnswerTo<Q>;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (this.waiting.size === 0) this.port.unref();
    }
  }

  post(message: FromReader): void {
    this.port.postMessage(message);
  }

  close(): void {
    this.port.close();
  }

  private hear(message: FromHost, listener: Listener): void {
    switch (message.kind) {
      case "origin":
        listener.onOrigin(message.origin);
        return;
      case "inUse":
        listener.onInUse(message.inUse);
        return;
      case "closed":
        this.isClosing = true;
        return;
      case "failed":
        this.take(message.number)?.reject(readError(message.error));
        return;
      case "answer": {
        const { answer } = message;
        const waiting = this.take(message.number);
        if ("snapshot" in answer) listener.onBegun(answer.snapshot, waiting !== undefined);
        waiting?.resolve(answer);
      }
    }
  }

  private take(number: number): Waiting | undefined {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    return waiting;
  }
}
