/** Backups in an S3 bucket, or in what speaks S3: `s3://bucket/path`. */
import { createHash } from "node:crypto";
import { type LargeWrite, type ObjectStore, StoreError } from "./object-store.ts";
import { encodeName, S3Client, S3Error, type S3Timing } from "./s3-client.ts";
import type { S3Settings } from "./s3-config.ts";
import { elementsOf, encodeText, textOf } from "./s3-xml.ts";

/** Of one DeleteObjects. */
const REMOVED_KEYS_MAX = 1000;

export interface S3Limits {
  /** S3 copies no more in one request; larger objects are copied in parts. */
  readonly copyBytesMax: number;
  readonly copyPartBytes: number;
}

const LIMITS: S3Limits = { copyBytesMax: 5 * 2 ** 30, copyPartBytes: 2 ** 30 };

interface Part {
  readonly number: number;
  readonly bytes: number;
  readonly etag: string;
}

export class S3Store implements ObjectStore {
  readonly place: string;
  private readonly client: S3Client;
  /** "" or ends with "/". */
  private readonly prefix: string;
  private readonly limits: S3Limits;

  /** @throws StoreError for an address that is none */
  constructor(
    address: string,
    settings: S3Settings,
    signal: AbortSignal,
    timing?: S3Timing,
    limits: S3Limits = LIMITS,
  ) {
    const match = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:\/(.*))?$/.exec(address);
    const names = (match?.[2] ?? "").split("/").filter((name) => name !== "");
    if (match === null || names.some((name) => name === "." || name === "..")) {
      throw new StoreError(`want s3://bucket/path, got ${JSON.stringify(address)}`);
    }
    const bucket = match[1] as string;
    this.prefix = names.map((name) => `${name}/`).join("");
    this.place = `s3://${[bucket, ...names].join("/")}`;
    this.client = new S3Client(bucket, settings, signal, timing);
    this.limits = limits;
  }

  /** S3 has no locks: two backups at once find out before either of them writes its list, or are told apart by nothing. */
  async claim(): Promise<{ release(): Promise<void> }> {
    return { release: async () => {} };
  }

  async list(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    let token = "";
    do {
      const { body } = await this.client.send({
        method: "GET",
        key: "",
        query: {
          "list-type": "2",
          prefix: this.prefix,
          ...(token === "" ? {} : { "continuation-token": token }),
        },
      });
      const xml = body.toString("utf8");
      for (const item of elementsOf(xml, "Contents")) {
        const key = textOf(item, "Key");
        if (key.startsWith(this.prefix)) found.set(key.slice(this.prefix.length), Number(textOf(item, "Size")));
      }
      token = textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextContinuationToken") : "";
    } while (token !== "");
    return found;
  }

  async readWhole(key: string, bytesMax: number): Promise<Uint8Array | null> {
    const { status, body } = await this.client.send({ method: "GET", key: this.prefix + key, allowed: [404] });
    if (status === 404) {
      // No such bucket is another thing than nothing in it.
      if (textOf(body.toString("utf8"), "Code") === "NoSuchBucket") await this.list();
      return null;
    }
    if (body.length > bytesMax) {
      throw new StoreError(`${this.place}/${key}: want at most ${bytesMax} bytes, there are ${body.length}`);
    }
    return body;
  }

  async read(key: string, offset: number, bytes: number): Promise<Uint8Array> {
    try {
      const { body } = await this.client.send({
        method: "GET",
        key: this.prefix + key,
        headers: { range: `bytes=${offset}-${offset + bytes - 1}` },
        wantedBytes: bytes,
      });
      return body;
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (error.s3Code === "NoSuchKey") throw new StoreError(`${this.place}/${key} is missing`);
      if (error.status === 416)
        throw new StoreError(`${this.place}/${key}: want ${bytes} bytes at ${offset}, it ends before`);
      throw error;
    }
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    await this.client.send({ method: "PUT", key: this.prefix + key, body: bytes, headers: this.objectHeaders() });
  }

  async writeLarge(key: string, bytes: number, _pieceBytes: number): Promise<LargeWrite> {
    const uploadId = (await this.listUploads(this.prefix + key)).find((upload) => upload.key === this.prefix + key)?.id;
    const upload = uploadId ?? (await this.createUpload(key));
    const there = uploadId === undefined ? new Map<number, Part>() : await this.listParts(key, uploadId);
    const parts = new Map<number, string>();
    return {
      write: async (index, piece) => {
        const number = index + 1;
        const part = there.get(number);
        // The tag of a part is its MD5 unless the store encrypts with keys of its own: then it is sent again.
        if (part?.bytes === piece.length && part.etag.replaceAll('"', "") === md5Of(piece, "hex")) {
          parts.set(number, part.etag);
          return false;
        }
        const { headers } = await this.client.send({
          method: "PUT",
          key: this.prefix + key,
          query: { partNumber: String(number), uploadId: upload },
          body: piece,
        });
        parts.set(number, headers.etag ?? "");
        return true;
      },
      complete: () => this.completeUpload(key, upload, parts, bytes),
      abandon: async () => {},
    };
  }

  async copyFrom(origin: ObjectStore, key: string, bytes: number): Promise<boolean> {
    if (!(origin instanceof S3Store) || origin.client.settings.endpoint.href !== this.client.settings.endpoint.href) {
      return false;
    }
    const names = `${origin.client.bucket}/${origin.prefix}${key}`.split("/");
    const source = `/${names.map(encodeName).join("/")}`;
    const { copyBytesMax, copyPartBytes } = this.limits;
    if (bytes <= copyBytesMax) {
      await this.client.send({
        method: "PUT",
        key: this.prefix + key,
        query: {},
        headers: { ...this.objectHeaders(), "x-amz-copy-source": source },
      });
      return true;
    }
    const uploadId = await this.createUpload(key);
    const parts = new Map<number, string>();
    for (let offset = 0; offset < bytes; offset += copyPartBytes) {
      const number = parts.size + 1;
      const { body } = await this.client.send({
        method: "PUT",
        key: this.prefix + key,
        query: { partNumber: String(number), uploadId },
        headers: {
          "x-amz-copy-source": source,
          "x-amz-copy-source-range": `bytes=${offset}-${Math.min(bytes, offset + copyPartBytes) - 1}`,
        },
      });
      parts.set(number, textOf(body.toString("utf8"), "ETag"));
    }
    await this.completeUpload(key, uploadId, parts, bytes);
    return true;
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += REMOVED_KEYS_MAX) {
      const items = keys
        .slice(at, at + REMOVED_KEYS_MAX)
        .map((key) => `<Object><Key>${encodeText(this.prefix + key)}</Key></Object>`);
      const body = Buffer.from(`<Delete><Quiet>true</Quiet>${items.join("")}</Delete>`);
      const answer = await this.client.send({
        method: "POST",
        key: "",
        query: { delete: "" },
        headers: { "content-md5": md5Of(body, "base64") },
        body,
      });
      for (const error of elementsOf(answer.body.toString("utf8"), "Error")) {
        const [key, code, message] = ["Key", "Code", "Message"].map((name) => textOf(error, name));
        if (code !== "NoSuchKey")
          throw new StoreError(`cannot delete s3://${this.client.bucket}/${key}: ${code}: ${message}`);
      }
    }
  }

  async sweep(): Promise<void> {
    for (const { key, id } of await this.listUploads(this.prefix)) {
      await this.client.send({ method: "DELETE", key, query: { uploadId: id }, allowed: [404] });
    }
  }

  private objectHeaders(): Record<string, string> {
    const { storageClass } = this.client.settings;
    return storageClass === "" ? {} : { "x-amz-storage-class": storageClass };
  }

  private async createUpload(key: string): Promise<string> {
    const { body } = await this.client.send({
      method: "POST",
      key: this.prefix + key,
      query: { uploads: "" },
      headers: this.objectHeaders(),
    });
    const id = textOf(body.toString("utf8"), "UploadId");
    if (id === "") throw new StoreError(`${this.place}/${key}: the store began no upload`);
    return id;
  }

  private async completeUpload(
    key: string,
    uploadId: string,
    parts: ReadonlyMap<number, string>,
    bytes: number,
  ): Promise<void> {
    const items = [...parts]
      .sort(([a], [b]) => a - b)
      .map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${encodeText(etag)}</ETag></Part>`);
    const body = Buffer.from(`<CompleteMultipartUpload>${items.join("")}</CompleteMultipartUpload>`);
    try {
      await this.client.send({ method: "POST", key: this.prefix + key, query: { uploadId }, body });
    } catch (error) {
      // The answer to an earlier attempt was lost: the upload is over because it was completed.
      if (!(error instanceof S3Error) || error.s3Code !== "NoSuchUpload") throw error;
      const { headers } = await this.client.send({ method: "HEAD", key: this.prefix + key });
      if (Number(headers["content-length"]) !== bytes) throw error;
    }
  }

  /** Unfinished uploads whose keys start with `prefix`. */
  private async listUploads(prefix: string): Promise<{ key: string; id: string }[]> {
    const found: { key: string; id: string }[] = [];
    let markers: Record<string, string> = {};
    for (;;) {
      const { body } = await this.client.send({ method: "GET", key: "", query: { uploads: "", prefix, ...markers } });
      const xml = body.toString("utf8");
      for (const item of elementsOf(xml, "Upload")) {
        found.push({ key: textOf(item, "Key"), id: textOf(item, "UploadId") });
      }
      if (textOf(xml, "IsTruncated") !== "true") return found;
      markers = { "key-marker": textOf(xml, "NextKeyMarker"), "upload-id-marker": textOf(xml, "NextUploadIdMarker") };
    }
  }

  private async listParts(key: string, uploadId: string): Promise<Map<number, Part>> {
    const found = new Map<number, Part>();
    let marker: Record<string, string> = {};
    for (;;) {
      const { body } = await this.client.send({
        method: "GET",
        key: this.prefix + key,
        query: { uploadId, ...marker },
      });
      const xml = body.toString("utf8");
      for (const item of elementsOf(xml, "Part")) {
        const number = Number(textOf(item, "PartNumber"));
        found.set(number, { number, bytes: Number(textOf(item, "Size")), etag: textOf(item, "ETag") });
      }
      if (textOf(xml, "IsTruncated") !== "true") return found;
      marker = { "part-number-marker": textOf(xml, "NextPartNumberMarker") };
    }
  }
}

function md5Of(bytes: Uint8Array, encoding: "hex" | "base64"): string {
  return createHash("md5").update(bytes).digest(encoding);
}
