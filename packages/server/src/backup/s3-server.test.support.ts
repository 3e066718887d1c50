/**
 * An S3 server for tests: what the store asks for, kept in memory, with faults on demand. It checks Signature Version 4 by itself, from the raw
 * request and with no code of the client's (its own test holds it against the examples Amazon has published), the checksum of every body, and
 * S3's rules for multipart uploads. Servers in packages were looked at: the one that is installed most accepts wrong secrets.
 *
 *     node packages/server/dist/backup/s3-server.test.support.js <port> [faultEvery]     bucket "backups", keys "test" and "secret"
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pathToFileURL } from "node:url";
import { elementsOf, encodeText, textOf } from "./s3-xml.ts";

/** What may go wrong with a request instead of an answer. */
export type Fault = "500" | "slow-down" | "reset" | "truncate" | "late-error" | "lost-answer" | "stall" | null;

export interface TestS3Options {
  readonly bucket?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  /** Keys, uploads and parts on a page of a list. */
  readonly pageSize?: number;
  /** Decides for each request whether it goes wrong. */
  readonly fault?: (request: TestS3Request) => Fault;
}

export interface TestS3Request {
  readonly method: string;
  /** In the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

interface Upload {
  readonly key: string;
  readonly parts: Map<number, { bytes: Buffer; etag: string }>;
}

const PART_BYTES_MIN = 5 << 20;
const SKEW_MS_MAX = 15 * 60_000;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class TestS3Server {
  readonly objects: Map<string, Buffer> = new Map();
  readonly uploads: Map<string, Upload> = new Map();
  /** What was asked and answered without a fault: "PUT object", "PUT part", "GET list", ... */
  readonly counts: Map<string, number> = new Map();
  fault: (request: TestS3Request) => Fault;
  private readonly options: Required<Omit<TestS3Options, "fault" | "sessionToken">> & { sessionToken: string };
  private readonly server: Server;
  private nextUpload = 1;

  constructor(options: TestS3Options = {}) {
    const { fault = () => null, ...rest } = options;
    this.fault = fault;
    this.options = {
      bucket: "backups",
      accessKeyId: "test",
      secretAccessKey: "secret",
      sessionToken: "",
      region: "us-east-1",
      pageSize: 1000,
      ...rest,
    };
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /** Listens on 127.0.0.1. Returns the URL. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      const [rawPath = "", rawQuery = ""] = (request.url ?? "").split("?");
      verifySignature(request, rawPath, rawQuery, body, this.options);
      const path = decodeURIComponent(rawPath);
      const [, bucket = ""] = path.split("/", 2);
      const key = path.slice(bucket.length + 2);
      const query = new Map(new URLSearchParams(rawQuery));
      if (bucket !== this.options.bucket) throw new Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
      const fault = this.fault({ method: request.method ?? "", key, query });
      if (fault === "500") throw new Refusal(500, "InternalError", "We encountered an internal error");
      if (fault === "slow-down") throw new Refusal(503, "SlowDown", "Please reduce your request rate");
      if (fault === "stall") return;
      if (fault === "reset") return void request.socket.destroy();
      if (fault === "late-error") return answer(response, 200, xml("<Error><Code>InternalError</Code></Error>"));
      const outcome = this.handle(request, key, query, body);
      if (fault === "lost-answer") return void request.socket.destroy();
      if (fault === "truncate") {
        response.writeHead(outcome.status, { ...outcome.headers, "content-length": String(outcome.body.length) });
        response.write(outcome.body.subarray(0, outcome.body.length >> 1), () => request.socket.destroy());
        return;
      }
      answer(response, outcome.status, request.method === "HEAD" ? Buffer.alloc(0) : outcome.body, outcome.headers);
    } catch (error) {
      const { status, code, message } =
        error instanceof Refusal ? error : new Refusal(500, "InternalError", (error as Error).stack ?? "");
      answer(response, status, xml(`<Error><Code>${code}</Code><Message>${encodeText(message)}</Message></Error>`));
    }
  }

  private handle(
    request: IncomingMessage,
    key: string,
    query: ReadonlyMap<string, string>,
    body: Buffer,
  ): { status: number; body: Buffer; headers: Record<string, string> } {
    const { method } = request;
    const done = (
      what: string,
      status = 200,
      content: Buffer = Buffer.alloc(0),
      headers: Record<string, string> = {},
    ) => {
      this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
      return { status, body: content, headers };
    };
    const copied = request.headers["x-amz-copy-source"];
    const uploadId = query.get("uploadId");
    if (key === "") {
      if (method === "GET" && query.has("uploads")) return done("GET uploads", 200, this.listUploads(query));
      if (method === "GET" && query.get("list-type") === "2") return done("GET list", 200, this.list(query));
      if (method === "POST" && query.has("delete")) {
        if (request.headers["content-md5"] !== md5Of(body, "base64"))
          throw new Refusal(400, "InvalidDigest", "Content-MD5");
        for (const name of elementsOf(body.toString("utf8"), "Key")) this.objects.delete(textOf(`<k>${name}</k>`, "k"));
        return done("POST delete", 200, xml("<DeleteResult></DeleteResult>"));
      }
    } else if (uploadId !== undefined) {
      const upload = this.uploads.get(uploadId);
      if (upload?.key !== key) throw new Refusal(404, "NoSuchUpload", "The upload may have been aborted or completed");
      if (method === "GET") return done("GET parts", 200, this.listParts(upload, query));
      if (method === "DELETE") {
        this.uploads.delete(uploadId);
        return done("DELETE upload", 204);
      }
      if (method === "PUT") {
        const bytes = copied === undefined ? body : this.rangeOf(copied, request.headers["x-amz-copy-source-range"]);
        const etag = `"${md5Of(bytes, "hex")}"`;
        upload.parts.set(Number(query.get("partNumber")), { bytes, etag });
        if (copied === undefined) return done("PUT part", 200, undefined, { etag });
        return done("COPY part", 200, xml(`<CopyPartResult><ETag>${encodeText(etag)}</ETag></CopyPartResult>`));
      }
      if (method === "POST") {
        this.complete(upload, body.toString("utf8"));
        this.uploads.delete(uploadId);
        return done("POST complete", 200, xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"));
      }
    } else if (method === "POST" && query.has("uploads")) {
      const id = `upload-${this.nextUpload++}`;
      this.uploads.set(id, { key, parts: new Map() });
      return done(
        "POST uploads",
        200,
        xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`),
      );
    } else if (method === "PUT" && copied !== undefined) {
      this.objects.set(key, this.rangeOf(copied, undefined));
      return done("COPY object", 200, xml("<CopyObjectResult></CopyObjectResult>"));
    } else if (method === "PUT") {
      this.objects.set(key, body);
      return done("PUT object", 200, undefined, { etag: `"${md5Of(body, "hex")}"` });
    } else if (method === "GET" || method === "HEAD") {
      const object = this.objects.get(key);
      if (object === undefined) throw new Refusal(404, "NoSuchKey", "The specified key does not exist.");
      if (method === "HEAD") return done("HEAD object", 200, object, { "content-length": String(object.length) });
      const { range } = request.headers;
      if (range === undefined) return done("GET object", 200, object);
      return done("GET object", 206, cut(object, range));
    }
    throw new Refusal(405, "MethodNotAllowed", `${method} ${request.url}`);
  }

  private list(query: ReadonlyMap<string, string>): Buffer {
    const after = query.get("continuation-token") ?? "";
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(query.get("prefix") ?? "") && key > after)
      .sort();
    const page = keys.slice(0, this.options.pageSize);
    const isTruncated = page.length < keys.length;
    const items = page.map(
      (key) =>
        `<Contents><Key>${encodeText(key)}</Key><Size>${(this.objects.get(key) as Buffer).length}</Size></Contents>`,
    );
    const next = isTruncated
      ? `<NextContinuationToken>${encodeText(page.at(-1) as string)}</NextContinuationToken>`
      : "";
    return xml(
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${isTruncated}</IsTruncated>${next}${items.join("")}</ListBucketResult>`,
    );
  }

  private listUploads(query: ReadonlyMap<string, string>): Buffer {
    const after = query.get("upload-id-marker") ?? "";
    const uploads = [...this.uploads].filter(
      ([id, { key }]) => key.startsWith(query.get("prefix") ?? "") && id > after,
    );
    const page = uploads.slice(0, this.options.pageSize);
    const items = page.map(
      ([id, { key }]) => `<Upload><Key>${encodeText(key)}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    const [id = "", last] = page.at(-1) ?? [];
    const next = `<NextKeyMarker>${encodeText(last?.key ?? "")}</NextKeyMarker><NextUploadIdMarker>${id}</NextUploadIdMarker>`;
    return xml(
      `<ListMultipartUploadsResult><IsTruncated>${page.length < uploads.length}</IsTruncated>${next}${items.join("")}</ListMultipartUploadsResult>`,
    );
  }

  private listParts(upload: Upload, query: ReadonlyMap<string, string>): Buffer {
    const after = Number(query.get("part-number-marker") ?? "0");
    const parts = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
    const page = parts.slice(0, this.options.pageSize);
    const items = page.map(
      ([number, { bytes, etag }]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${encodeText(etag)}</ETag><Size>${bytes.length}</Size></Part>`,
    );
    return xml(
      `<ListPartsResult><IsTruncated>${page.length < parts.length}</IsTruncated><NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker>${items.join("")}</ListPartsResult>`,
    );
  }

  private complete(upload: Upload, text: string): void {
    const listed = elementsOf(text, "Part").map((part) => ({
      number: Number(textOf(part, "PartNumber")),
      etag: textOf(part, "ETag"),
    }));
    if (listed.length === 0) throw new Refusal(400, "MalformedXML", "no parts");
    const pieces: Buffer[] = [];
    for (const [i, { number, etag }] of listed.entries()) {
      const part = upload.parts.get(number);
      if (part?.etag !== etag) throw new Refusal(400, "InvalidPart", `part ${number}`);
      if (i > 0 && number <= (listed[i - 1] as { number: number }).number)
        throw new Refusal(400, "InvalidPartOrder", "");
      if (i < listed.length - 1 && part.bytes.length < PART_BYTES_MIN)
        throw new Refusal(400, "EntityTooSmall", `part ${number}`);
      pieces.push(part.bytes);
    }
    this.objects.set(upload.key, Buffer.concat(pieces));
  }

  private rangeOf(source: string | string[], range: string | string[] | undefined): Buffer {
    const [, bucket, ...rest] = decodeURIComponent(String(source)).split("/");
    const object = bucket === this.options.bucket ? this.objects.get(rest.join("/")) : undefined;
    if (object === undefined) throw new Refusal(404, "NoSuchKey", "The specified key does not exist.");
    return range === undefined ? object : cut(object, String(range));
  }
}

function cut(object: Buffer, range: string): Buffer {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range);
  if (match === null || Number(match[1]) >= object.length) throw new Refusal(416, "InvalidRange", range);
  return object.subarray(Number(match[1]), Number(match[2]) + 1);
}

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly region: string;
}

/** @throws Refusal if the request was not signed with these keys, not now, or for other bytes */
export function verifySignature(
  request: Pick<IncomingMessage, "method" | "headers">,
  rawPath: string,
  rawQuery: string,
  body: Buffer,
  keys: SigningKeys,
  nowMs: number = Date.now(),
): void {
  const { headers } = request;
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  if (match === null) throw new Refusal(403, "AccessDenied", "no signature");
  const [, accessKeyId, date, region, signedNames = "", signature = ""] = match;
  if (accessKeyId !== keys.accessKeyId) throw new Refusal(403, "InvalidAccessKeyId", "unknown access key");
  if ((headers["x-amz-security-token"] ?? "") !== keys.sessionToken)
    throw new Refusal(400, "InvalidToken", "session token");
  if (region !== keys.region) throw new Refusal(400, "AuthorizationHeaderMalformed", `expecting '${keys.region}'`);
  const time = String(headers["x-amz-date"]);
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const timeMs = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
  if (!(Math.abs(timeMs - nowMs) <= SKEW_MS_MAX)) throw new Refusal(403, "RequestTimeTooSkewed", time);
  const names = signedNames.split(";");
  const mustBeSigned = Object.keys(headers).filter((name) => name === "host" || name.startsWith("x-amz-"));
  const unsigned = mustBeSigned.find((name) => !names.includes(name));
  if (unsigned !== undefined) throw new Refusal(403, "AccessDenied", `${unsigned} is not signed`);
  const payload = String(headers["x-amz-content-sha256"]);
  if (payload !== sha256Of(body)) throw new Refusal(400, "XAmzContentSHA256Mismatch", "the body has another checksum");

  const canonical = [
    request.method,
    rawPath,
    canonicalQuery(rawQuery),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, " ")}`),
    "",
    signedNames,
    payload,
  ].join("\n");
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256Of(Buffer.from(canonical))].join("\n");
  let key: Buffer = Buffer.from(`AWS4${keys.secretAccessKey}`);
  for (const step of [date as string, region, "s3", "aws4_request"]) key = hmac(key, step);
  if (!timingSafeEqual(hmac(key, toSign), Buffer.from(signature, "hex"))) {
    throw new Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match");
  }
}

function canonicalQuery(raw: string): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...new URLSearchParams(raw)]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function md5Of(bytes: Buffer, encoding: "hex" | "base64"): string {
  return createHash("md5").update(bytes).digest(encoding);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function xml(text: string): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
}

function answer(response: ServerResponse, status: number, body: Buffer, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-length": String(body.length), ...headers });
  response.end(body);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [port = "0", faultEvery = "0"] = process.argv.slice(2);
  const faults: Fault[] = ["500", "slow-down", "reset", "truncate", "lost-answer"];
  let requests = 0;
  let next = 0;
  const server = new TestS3Server({
    fault: () => {
      if (Number(faultEvery) === 0 || ++requests % Number(faultEvery) !== 0) return null;
      return faults[next++ % faults.length] as Fault;
    },
  });
  process.stdout.write(`${await server.start(Number(port))}\n`);
}
