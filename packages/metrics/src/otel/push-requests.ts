/**
 * The HTTP requests that pushes are made of, so that one can be ended that its exporter would wait for. Exporters have no `abort`: a receiver that takes a
 * push and never answers would keep a process that wants to end until the exporter's own timeout, 10 s by default.
 *
 * Node announces each request it sends on a diagnostics channel; which ones are ours is told by the asynchronous context they were made in.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";

const NO_ANSWER = "there was no answer in time";
const CHANNEL = "http.client.request.start";

export class PushRequests {
  readonly #context = new AsyncLocalStorage<true>();
  readonly #underWay = new Set<ClientRequest>();
  #pushCount = 0;
  #isAbandoned = false;
  /** Of an attempt before, or that there was none. */
  #lastFailure = NO_ANSWER;
  readonly #onStart = (message: unknown): void => {
    if (this.#context.getStore() === undefined) return;
    const { request } = message as { readonly request: ClientRequest };
    if (this.#isAbandoned) this.#end(request);
    this.#underWay.add(request);
    request.once("error", (error) => {
      if (!this.#isAbandoned) this.#lastFailure = error.message;
    });
    request.once("close", () => this.#underWay.delete(request));
  };

  /** Calls `push`; what it sends, now or when it tries again, is watched until it calls `done`. */
  run(push: (done: () => void) => void): void {
    if (this.#pushCount++ === 0) {
      this.#isAbandoned = false;
      this.#lastFailure = NO_ANSWER;
      subscribe(CHANNEL, this.#onStart);
    }
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      if (--this.#pushCount === 0) unsubscribe(CHANNEL, this.#onStart);
    };
    this.#context.run(true, push, done);
  }

  /** Ends what is under way and what is tried again, with an error that exporters do not answer with another try. */
  abandon(): void {
    this.#isAbandoned = true;
    for (const request of this.#underWay) this.#end(request);
  }

  #end(request: ClientRequest): void {
    request.destroy(new Error(`${this.#lastFailure}, and the process ends`));
  }
}
