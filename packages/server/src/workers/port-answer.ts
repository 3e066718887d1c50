/** The worker's end of an answer: pieces go to the thread that has the client, so many at a time. */
import type { MessagePort } from "node:worker_threads";
import type { Evaluated } from "../api/task-runner.ts";
import { givePiece } from "../http/pieces.ts";
import type { AnswerSink } from "../http/response.ts";
import type { CacheBytes, FromWorker } from "./messages.ts";

/** Pieces under way that the client has not taken yet: 256 KiB of a task. */
const UNTAKEN_MAX = 4;
/** Shorter pieces are copied: handing memory over and back costs more. */
const HANDED_BYTES_MIN = 16 << 10;

export class PortAnswer implements AnswerSink {
  readonly #port: Pick<MessagePort, "postMessage">;
  readonly #number: number;
  readonly #signal: AbortSignal;
  readonly #caches: () => CacheBytes;
  readonly #onWait: () => void;
  /** Goes with the next message. */
  #evaluated: Evaluated | null = null;
  #untaken = 0;
  #waitedMs = 0;
  #resume: (() => void) | null = null;

  /** @param onWait hears when it begins and when it ends waiting for the client */
  constructor(
    port: Pick<MessagePort, "postMessage">,
    number: number,
    signal: AbortSignal,
    caches: () => CacheBytes,
    onWait: () => void,
  ) {
    this.#port = port;
    this.#number = number;
    this.#signal = signal;
    this.#caches = caches;
    this.#onWait = onWait;
  }

  /** There is nothing to do before the client has taken something. */
  get isWaiting(): boolean {
    return this.#resume !== null;
  }

  get waitedMs(): number {
    return this.#waitedMs;
  }

  tellEvaluated(evaluated: Evaluated): void {
    this.#evaluated = evaluated;
  }

  /** What was told and has not gone with a piece. */
  takeEvaluated(): Evaluated | null {
    const evaluated = this.#evaluated;
    this.#evaluated = null;
    return evaluated;
  }

  /** @throws the signal's reason */
  async write(piece: Buffer): Promise<void> {
    this.#signal.throwIfAborted();
    this.#post(piece, false);
    this.#untaken++;
    if (this.#untaken < UNTAKEN_MAX) return;
    const startMs = performance.now();
    await this.#roomForMore();
    this.#waitedMs += performance.now() - startMs;
  }

  async end(piece: Buffer): Promise<void> {
    this.#signal.throwIfAborted();
    this.#post(piece, true);
  }

  /** The other side has got rid of a piece. */
  taken(): void {
    this.#untaken--;
    this.#resume?.();
  }

  #post(piece: Buffer, isLast: boolean): void {
    const isHanded = piece.length >= HANDED_BYTES_MIN;
    const bytes = isHanded ? piece : new Uint8Array(piece);
    const message: FromWorker = {
      kind: "piece",
      number: this.#number,
      bytes,
      isLast,
      evaluated: this.takeEvaluated(),
      caches: isLast ? this.#caches() : null,
    };
    this.#port.postMessage(message, isHanded ? [piece.buffer as ArrayBuffer] : []);
    if (!isHanded) givePiece(piece);
  }

  #roomForMore(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        this.#resume = null;
        this.#onWait();
        this.#signal.removeEventListener("abort", onAbort);
        if (error === null) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(this.#signal.reason);
      this.#signal.addEventListener("abort", onAbort, { once: true });
      this.#resume = () => settle(null);
      this.#onWait();
    });
  }
}
