/** A task that another thread is at: what has come of it, and who waits for more. */
import type { Desk } from "../api/task-runner.ts";
import { type Piece, readError, type TaskNews } from "./messages.ts";

export class Errand {
  readonly #listener: Pick<Desk, "onEvaluated" | "onImplicit">;
  /** Not asked for yet: at most as many as may be on their way. */
  readonly #pieces: Piece[] = [];
  #error: Error | null = null;
  #isOver = false;
  #wake: (() => void) | null = null;

  constructor(listener: Pick<Desk, "onEvaluated" | "onImplicit">) {
    this.#listener = listener;
  }

  /** Nothing comes any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  hear(message: TaskNews): void {
    if (message.kind === "implicit") {
      this.#listener.onImplicit?.(message.message);
      return;
    }
    if (message.evaluated !== null) this.#listener.onEvaluated?.(message.evaluated);
    if (message.kind === "failed") {
      this.fail(readError(message.error));
      return;
    }
    this.#pieces.push(message);
    this.#isOver = message.isLast;
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#isOver = true;
    this.#wake?.();
  }

  /** The next piece, in the order of the answer. Not to be called after the last one. @throws what the task failed with */
  async next(): Promise<Piece> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) return piece;
      if (this.#error !== null) throw this.#error;
      await this.#news();
    }
  }

  /** Resolves when the worker is done with it, however that ends. */
  async over(): Promise<void> {
    while (!this.#isOver) await this.#news();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
