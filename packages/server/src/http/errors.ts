/** Failures that are answers: the status a client gets and what it should do next. */

/** The server cannot take the request now, whatever is in it: 429 or 503 with Retry-After. */
export class OverloadError extends Error {
  readonly status: 429 | 503;
  readonly retryAfterSeconds: number;

  constructor(status: 429 | 503, message: string, retryAfterSeconds = 10) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The client went away: nothing to answer, nothing to log as ours. */
export class ClientGoneError extends Error {
  constructor() {
    super("the client closed the connection");
  }
}

/** Somebody ended the request. Answered with 422, as one that ran out of time: a client that tries again would bring it back. */
export class CancelledError extends Error {
  readonly status: 422 = 422;

  constructor() {
    super("the request was cancelled at /api/v1/status/active_queries/cancel");
  }
}

/** Time ran out. Answered with 422: the query was understood but could not be carried out. */
export class DeadlineError extends Error {
  readonly status: 422 = 422;

  constructor(limitMs: number, flag: string) {
    super(`the request took longer than ${limitMs / 1000} seconds; see the timeout argument and the -${flag} flag`);
  }
}

/** Any of the others, or a fault of ours, in Prometheus' words: `errorType` is a name instead of the status. */
export class NamedError extends Error {
  readonly status: number;
  readonly errorType: string;
  override readonly cause: Error;

  constructor(status: number, errorType: string, cause: Error, message: string = cause.message) {
    super(message);
    this.status = status;
    this.errorType = errorType;
    this.cause = cause;
  }
}
