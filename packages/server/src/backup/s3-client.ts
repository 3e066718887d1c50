/**
 * Requests to one S3 bucket: signed, bounded in time, tried again where that may help, with errors for people.
 *
 * The signature covers the body (x-amz-content-sha256), so the store has what we meant to send or refuses it. Answers are complete or an error: a
 * connection that breaks, a body shorter than it said, a 5xx, "slow down" are tried again, each time after a longer wait.
 */
import { createHash } from "node:crypto";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest, Agent as SecureAgent } from "node:https";
import { AwsV4Signer } from "aws4fetch";
import { StoreError } from "./object-store.ts";
import type { S3Settings } from "./s3-config.ts";
import { textOf } from "./s3-xml.ts";
import { sleep } from "./transfers.ts";

export interface S3Timing {
  readonly attempts: number;
  readonly firstWaitMs: number;
  readonly waitMsMax: number;
  /** Without a byte in either direction. */
  readonly stallMs: number;
}

export const S3_TIMING: S3Timing = { attempts: 8, firstWaitMs: 250, waitMsMax: 15_000, stallMs: 60_000 };

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** In the bucket; "" for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Answers with these statuses beside 2xx are no errors. */
  readonly allowed?: readonly number[];
  /** A 2xx of other length is an answer cut short. */
  readonly wantedBytes?: number;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer that says no. */
export class S3Error extends StoreError {
  readonly status: number;
  /** S3's own word: NoSuchKey, AccessDenied, ... */
  readonly s3Code: string;

  constructor(message: string, status: number, s3Code: string) {
    super(message);
    this.status = status;
    this.s3Code = s3Code;
  }
}

/** No piece and no page of a list is larger. */
const ANSWER_BYTES_MAX = 300 << 20;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const RETRIED_CODES: ReadonlySet<string> = new Set(["InternalError", "SlowDown", "RequestTimeout", "OperationAborted"]);

export class S3Client {
  readonly bucket: string;
  readonly settings: S3Settings;
  private readonly base: URL;
  private readonly agent: Agent;
  private readonly timing: S3Timing;
  private readonly signal: AbortSignal;
  /** Signing keys of a day. */
  private readonly cache = new Map<string, ArrayBuffer>();

  constructor(bucket: string, settings: S3Settings, signal: AbortSignal, timing: S3Timing = S3_TIMING) {
    this.bucket = bucket;
    this.settings = settings;
    this.signal = signal;
    this.timing = timing;
    this.base = new URL(settings.endpoint);
    if (settings.isPathStyle) this.base.pathname = `${this.base.pathname.replace(/\/+$/, "")}/${bucket}`;
    else this.base.host = `${bucket}.${this.base.host}`;
    const options = { keepAlive: true, timeout: timing.stallMs };
    this.agent =
      this.base.protocol === "https:"
        ? new SecureAgent({ ...options, rejectUnauthorized: settings.isTlsVerified })
        : new Agent(options);
  }

  /** The answer, 2xx or one of `allowed`. @throws S3Error, StoreError when all attempts have failed, the signal's reason */
  async send(request: S3Request): Promise<S3Answer> {
    const { attempts, firstWaitMs, waitMsMax } = this.timing;
    for (let attempt = 1; ; attempt++) {
      this.signal.throwIfAborted();
      let failure: StoreError;
      let retryAfterMs = 0;
      try {
        const answer = await this.sendOnce(request);
        const error = this.judge(request, answer);
        if (error === null) return answer;
        const canRetry = RETRIED_STATUSES.has(answer.status) || RETRIED_CODES.has(error.s3Code);
        if (!canRetry) throw error;
        failure = error;
        retryAfterMs = Math.min(30_000, 1000 * (Number(answer.headers["retry-after"]) || 0));
      } catch (error) {
        if (error instanceof S3Error) throw error;
        this.signal.throwIfAborted();
        failure = new StoreError(`${this.describe(request)}: ${describeBreak(error as Error)}`);
      }
      if (attempt === attempts) {
        failure.message += ` (${attempts} attempts)`;
        throw failure;
      }
      const waitMs = Math.min(waitMsMax, firstWaitMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
      await sleep(Math.max(waitMs, retryAfterMs), this.signal);
    }
  }

  private async sendOnce(request: S3Request): Promise<S3Answer> {
    const { method, key, query = {}, body } = request;
    const url = new URL(this.base);
    if (key !== "") url.pathname += `/${key.split("/").map(encodeName).join("/")}`;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signed = await new AwsV4Signer({
      method,
      url: url.href,
      headers: {
        ...request.headers,
        "x-amz-content-sha256": createHash("sha256")
          .update(body ?? "")
          .digest("hex"),
      },
      ...this.settings.credentials,
      service: "s3",
      region: this.settings.region,
      cache: this.cache,
    }).sign();
    const headers: Record<string, string> = Object.fromEntries(signed.headers as Iterable<[string, string]>);
    if (body !== undefined) headers["content-length"] = String(body.length);
    return await this.exchange(url, request, headers);
  }

  private exchange(url: URL, request: S3Request, headers: Record<string, string>): Promise<S3Answer> {
    const { method, body, wantedBytes } = request;
    const open = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const outgoing = open(url, { method, headers, agent: this.agent, signal: this.signal }, (response) => {
        const status = response.statusCode ?? 0;
        const pieces: Buffer[] = [];
        let bytes = 0;
        response.on("data", (piece: Buffer) => {
          bytes += piece.length;
          if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error("the answer is too long"));
          else pieces.push(piece);
        });
        response.on("error", reject);
        response.on("end", () => {
          const wanted = status < 300 ? wantedBytes : undefined;
          if (wanted !== undefined && bytes !== wanted) reject(new Error(`want ${wanted} bytes, got ${bytes}`));
          else resolve({ status, headers: response.headers, body: Buffer.concat(pieces) });
        });
      });
      outgoing.setTimeout(this.timing.stallMs, () => {
        outgoing.destroy(new Error(`nothing came for ${this.timing.stallMs / 1000} seconds`));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** The error in an answer; null if it is what was wanted. */
  private judge(request: S3Request, { status, headers, body }: S3Answer): S3Error | null {
    if (request.allowed?.includes(status)) return null;
    const isGood = status >= 200 && status < 300;
    const isObject = request.method === "GET" && request.key !== "" && request.query === undefined;
    const text = isObject && isGood ? "" : body.subarray(0, 1 << 20).toString("utf8");
    // Some operations say 200 first and find out later that they have failed.
    const hasError = isGood && /^\s*(<\?xml[^>]*>)?\s*<Error>/.test(text);
    if (isGood && !hasError) return null;
    const code = textOf(text, "Code") || `status ${status}`;
    return new S3Error(
      `${this.describe(request)}: ${this.explain(status, code, textOf(text, "Message"), headers)}`,
      status,
      code,
    );
  }

  private explain(status: number, code: string, message: string, headers: IncomingHttpHeaders): string {
    const { bucket, settings } = this;
    const said = message === "" ? code : `${code}: ${message}`;
    switch (code) {
      case "NoSuchBucket":
        return `there is no bucket ${JSON.stringify(bucket)} at ${settings.endpoint.host}`;
      case "InvalidAccessKeyId":
        return `the store does not know the access key (${code}): check AWS_ACCESS_KEY_ID or -credsFilePath`;
      case "SignatureDoesNotMatch":
        return `the store does not accept the signature (${code}): check AWS_SECRET_ACCESS_KEY, or the file that has it`;
      case "ExpiredToken":
      case "InvalidToken":
        return `the store does not accept the session token (${code}): get a new one`;
      case "AccessDenied":
        return `the credentials are not allowed to do this (${said})`;
      case "RequestTimeTooSkewed":
        return `the clock of this machine is wrong (${said})`;
    }
    const region = headers["x-amz-bucket-region"];
    if (status === 301 || status === 307 || code === "AuthorizationHeaderMalformed") {
      return `the bucket is in ${region ?? "another region"}, asked in ${settings.region}: set AWS_REGION (${said})`;
    }
    return said.startsWith("status ") ? said : `status ${status}, ${said}`;
  }

  private describe({ method, key }: S3Request): string {
    return `${method} s3://${this.bucket}/${key}`;
  }
}

/** What S3 signs: everything but letters, digits and `-_.~`. */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function describeBreak(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  // Node puts all addresses it has tried into one error without a message.
  return error.message || code || error.name;
}
