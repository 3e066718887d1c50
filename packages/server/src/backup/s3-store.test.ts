/** The S3 store against a server that checks signatures, bodies and uploads: faults, wrong keys, resumed uploads, pages, odd names. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { backUpFolder, copyBackup } from "./backup.ts";
import { LIST_KEY } from "./backup-list.ts";
import { readFiles, transfers, withFolder, writeFiles } from "./folders.test.support.ts";
import { restoreFolder } from "./restore.ts";
import { loadS3Settings, type S3Flags } from "./s3-config.ts";
import { type Fault, TestS3Server, verifySignature } from "./s3-server.test.support.ts";
import { type S3Limits, S3Store } from "./s3-store.ts";
import { elementsOf, textOf } from "./s3-xml.ts";

const MIB = 1 << 20;
const LARGE = new Uint8Array(20 * MIB).map((_, i) => (i * 31 + (i >> 15)) & 255);
/** Nothing stalls but what a test makes stall: a busy machine may take long over a large part. */
const TIMING = { attempts: 4, firstWaitMs: 1, waitMsMax: 5, stallMs: 60_000 };
const SOON_STALLED_MS = 300;

const NO_FLAGS: S3Flags = {
  credsFilePath: "",
  configFilePath: "",
  configProfile: "",
  customS3Endpoint: "",
  s3ForcePathStyle: true,
  s3StorageClass: "",
  s3TLSInsecureSkipVerify: false,
};

async function withServer(use: (server: TestS3Server, open: OpenStore) => Promise<void>, options = {}): Promise<void> {
  const server = new TestS3Server(options);
  const endpoint = new URL(await server.start());
  const open: OpenStore = (address, { limits, signal, stallMs = TIMING.stallMs, ...more } = {}) =>
    new S3Store(
      address,
      {
        endpoint,
        region: "us-east-1",
        credentials: { accessKeyId: "test", secretAccessKey: "secret", ...more },
        isPathStyle: true,
        storageClass: "",
        isTlsVerified: true,
      },
      signal ?? new AbortController().signal,
      { ...TIMING, stallMs },
      limits,
    );
  try {
    await use(server, open);
  } finally {
    await server.stop();
  }
}

type OpenStore = (
  address: string,
  more?: {
    secretAccessKey?: string;
    accessKeyId?: string;
    sessionToken?: string;
    limits?: S3Limits;
    signal?: AbortSignal;
    stallMs?: number;
  },
) => S3Store;

test("the test server knows a signature when it sees one: Amazon's published examples", () => {
  const keys = {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    sessionToken: "",
    region: "us-east-1",
  };
  const headers = (signedHeaders: string, signature: string, more: Record<string, string> = {}) => ({
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`,
    ...more,
  });
  const all = "host;x-amz-content-sha256;x-amz-date";
  const examples: [path: string, query: string, ReturnType<typeof headers>][] = [
    [
      "/test.txt",
      "",
      headers(
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        {
          range: "bytes=0-9",
        },
      ),
    ],
    ["/", "lifecycle", headers(all, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")],
    ["/", "max-keys=2&prefix=J", headers(all, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")],
  ];
  const nowMs = Date.UTC(2013, 4, 24);
  const none = Buffer.alloc(0);
  for (const [path, query, given] of examples) {
    verifySignature({ method: "GET", headers: given }, path, query, none, keys, nowMs);
    const refuses = (code: string, change: () => void): void => assert.throws(change, { code }, `${path}?${query}`);
    refuses("SignatureDoesNotMatch", () =>
      verifySignature({ method: "PUT", headers: given }, path, query, none, keys, nowMs),
    );
    refuses("SignatureDoesNotMatch", () =>
      verifySignature({ method: "GET", headers: given }, `${path}x`, query, none, keys, nowMs),
    );
    refuses("SignatureDoesNotMatch", () =>
      verifySignature(
        { method: "GET", headers: given },
        path,
        query,
        none,
        { ...keys, secretAccessKey: "other" },
        nowMs,
      ),
    );
    refuses("RequestTimeTooSkewed", () =>
      verifySignature({ method: "GET", headers: given }, path, query, none, keys, nowMs + 1e6),
    );
    refuses("XAmzContentSHA256Mismatch", () =>
      verifySignature({ method: "GET", headers: given }, path, query, Buffer.from("x"), keys, nowMs),
    );
    refuses("AccessDenied", () =>
      verifySignature({ method: "GET", headers: { ...given, "x-amz-acl": "public" } }, path, query, none, keys, nowMs),
    );
  }
});

test("S3: backup, second backup, server-side copy and restore; large files in parts, lists in pages, odd names in the path", async () => {
  await withServer(
    async (server, open) => {
      await withFolder(async (folder) => {
        const small = Object.fromEntries(
          Array.from({ length: 9 }, (_, i) => [`data/2026_11/parts/000000000${i}.part`, `${i}`]),
        );
        await writeFiles(folder, { MANIFEST: "first", ...small, "data/2026_11/parts/large.part": LARGE });
        const store = open("s3://backups/a b+c/ü&<é>/latest/");
        const first = await backUpFolder(folder, store, null, transfers());
        assert.deepEqual([first.sentFiles, first.sentBytes], [11, LARGE.length + 14]);
        assert.deepEqual([server.counts.get("PUT part"), server.counts.get("POST complete")], [3, 1]);
        assert.ok([...server.objects.keys()].every((key) => key.startsWith("a b+c/ü&<é>/latest/")));
        assert.ok((server.counts.get("GET list") ?? 0) >= 4, "lists come in pages");

        await writeFiles(folder, { MANIFEST: "second", "data/2026_11/parts/0000000000.part": null });
        const puts = server.counts.get("PUT object") as number;
        const second = await backUpFolder(folder, store, null, transfers());
        assert.deepEqual([second.sentFiles, second.sentBytes, second.removedObjects], [1, 6, 2]);
        assert.equal(server.counts.get("PUT object"), puts + 2, "the manifest and the list");
        assert.equal(server.counts.get("PUT part"), 3);

        // The limits make the large file one that is copied in parts.
        const copy = open("s3://backups/daily", { limits: { copyBytesMax: 15 * MIB, copyPartBytes: 10 * MIB } });
        assert.equal((await copyBackup(store, copy, transfers())).copiedFiles, 10);
        assert.deepEqual([server.counts.get("COPY object"), server.counts.get("COPY part")], [9, 2]);
        for (const source of [store, copy]) {
          await withFolder(async (target) => {
            await restoreFolder(source, target, transfers());
            assert.deepEqual(await readFiles(target), await readFiles(folder));
          });
        }
      });
    },
    { pageSize: 3 },
  );
});

test("S3: every kind of fault at every request is survived: the backup and the restore are whole", async () => {
  const kinds: Exclude<Fault, null>[] = ["500", "slow-down", "reset", "truncate", "late-error", "lost-answer", "stall"];
  for (const kind of kinds) {
    await withServer(async (server, open) => {
      await withFolder(async (folder) => {
        await writeFiles(folder, {
          MANIFEST: "first",
          "data/x.part": "x",
          "data/large.part": LARGE.subarray(0, 9 * MIB),
        });
        // Each request fails once. A read of an object has no late errors: its bytes are its bytes.
        const seen = new Set<string>();
        server.fault = ({ method, key, query }) => {
          const what = `${method} ${key} ${[...query].join()}`;
          if (seen.has(what) || (kind === "late-error" && method === "GET" && query.size === 0)) return null;
          seen.add(what);
          return kind;
        };
        const store = open("s3://backups/latest", { stallMs: SOON_STALLED_MS });
        await backUpFolder(folder, store, null, transfers({ concurrency: 8 }));
        await withFolder(async (target) => {
          await restoreFolder(store, target, transfers());
          assert.deepEqual(await readFiles(target), await readFiles(folder), kind);
        });
        assert.ok(seen.size > 8, `${kind}: ${seen.size} requests`);
        assert.equal(server.uploads.size, 0, kind);
      });
    });
  }
});

test("S3: an upload that was interrupted goes on with the parts that are there, if they are right", async () => {
  await withServer(async (server, open) => {
    await withFolder(async (folder) => {
      await writeFiles(folder, { MANIFEST: "first", "data/large.part": LARGE });
      const store = open("s3://backups/latest");
      server.fault = ({ query }) => (query.get("partNumber") === "3" ? "500" : null);
      await assert.rejects(
        backUpFolder(folder, store, null, transfers()),
        /PUT s3:\/\/backups\/latest\/files\/data\/large\.part\S* status 500, InternalError: We encountered an internal error \(4 attempts\)/,
      );
      assert.ok(!server.objects.has(`latest/${LIST_KEY}`));
      const [upload] = [...server.uploads.values()];
      assert.deepEqual([...(upload?.parts.keys() ?? [])].sort(), [1, 2]);
      (upload?.parts.get(2) as { etag: string }).etag = '"of other bytes"';
      server.fault = () => null;
      server.counts.clear();
      const report = await backUpFolder(folder, store, null, transfers());
      assert.equal(report.sentBytes, 12 * MIB + (server.counts.get("PUT object") === 2 ? 5 : 0));
      assert.equal(server.counts.get("PUT part"), 2, "the second and the third");
      assert.equal(server.uploads.size, 0);
      server.uploads.set("left", { key: "latest/files/gone", parts: new Map() });
      server.uploads.set("other", { key: "other/files/x", parts: new Map() });
      await backUpFolder(folder, store, null, transfers());
      assert.deepEqual([...server.uploads.keys()], ["other"], "what was left is swept up, what is another's is not");
    });
  });
});

test("S3: wrong keys, token, region, bucket and address: one line that says which, without the secret, and no second attempt", async () => {
  await withServer(async (server, open) => {
    let requests = 0;
    server.fault = () => {
      requests++;
      return null;
    };
    const rejects = async (store: S3Store, message: RegExp): Promise<void> => {
      const error = await store.list().then(
        () => null,
        (failure: Error) => failure,
      );
      assert.match(error?.message ?? "resolved", message);
      assert.ok(!/hunter2|secret"/.test(`${error?.stack} ${JSON.stringify(error)}`));
    };
    await rejects(
      open("s3://backups/x", { secretAccessKey: "hunter2" }),
      /does not accept the signature.*AWS_SECRET_ACCESS_KEY/,
    );
    await rejects(
      open("s3://backups/x", { accessKeyId: "hunter2" }),
      /does not know the access key.*AWS_ACCESS_KEY_ID/,
    );
    await rejects(open("s3://backups/x", { sessionToken: "hunter2" }), /session token/);
    await rejects(open("s3://other/x"), /there is no bucket "other" at 127\.0\.0\.1:\d+/);
    await assert.rejects(open("s3://other/x").readWhole("y", 10), /there is no bucket/);
    assert.equal(requests, 0, "none got as far as that");
    assert.equal(await open("s3://backups/x").readWhole("y", 10), null);
    await assert.rejects(open("s3://backups/x").read("y", 0, 1), /s3:\/\/backups\/x\/y is missing/);
    for (const address of ["s3://", "s3://a", "s3:///x", "s3://b_u/../x", "s3://bu?x/y"])
      assert.throws(() => open(address), { code: "STORE" }, address);
    const stopping = new AbortController();
    server.fault = () => "stall";
    const waiting = open("s3://backups/x", { signal: stopping.signal }).list();
    setTimeout(() => stopping.abort(new Error("interrupted by SIGTERM")), 20);
    await assert.rejects(waiting, /interrupted by SIGTERM/);
  });
  await withServer(
    async (_, open) => {
      await assert.rejects(open("s3://backups/x").list(), /asked in us-east-1: set AWS_REGION/);
    },
    { region: "eu-west-1" },
  );
});

test("S3: nobody listens there: said after the last attempt", async () => {
  const server = new TestS3Server();
  const endpoint = new URL(await server.start());
  await server.stop();
  const settings = await loadS3Settings(
    { ...NO_FLAGS, customS3Endpoint: endpoint.href },
    { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" },
    "/nowhere",
  );
  const store = new S3Store("s3://backups/x", settings, new AbortController().signal, TIMING);
  await assert.rejects(store.list(), /GET s3:\/\/backups\/: .*ECONNREFUSED.* \(4 attempts\)/);
});

test("S3 settings: flags, environment, files and profiles, in this order", async () => {
  await withFolder(async (home) => {
    await mkdir(join(home, ".aws"));
    const none = await loadS3Settings(NO_FLAGS, {}, home).then(
      () => "",
      (error: Error) => error.message,
    );
    assert.match(none, /no S3 credentials of profile "default" found; looked at AWS_ACCESS_KEY_ID/);
    await writeFile(
      join(home, ".aws/credentials"),
      "# mine\n[default]\naws_access_key_id = file\naws_secret_access_key=f=1\n\n[ work ]\naws_access_key_id=work\naws_secret_access_key=w\naws_session_token=t\n",
    );
    await writeFile(
      join(home, ".aws/config"),
      "[default]\r\nregion = eu-north-1\r\n[profile work]\nregion=cn-north-1\n",
    );
    const plain = await loadS3Settings(NO_FLAGS, {}, home);
    assert.deepEqual(plain.credentials, { accessKeyId: "file", secretAccessKey: "f=1" });
    assert.deepEqual([plain.region, plain.endpoint.href], ["eu-north-1", "https://s3.eu-north-1.amazonaws.com/"]);
    const work = await loadS3Settings({ ...NO_FLAGS, configProfile: "work" }, {}, home);
    assert.deepEqual(work.credentials, { accessKeyId: "work", secretAccessKey: "w", sessionToken: "t" });
    assert.equal(work.endpoint.href, "https://s3.cn-north-1.amazonaws.com.cn/");
    const environment = {
      AWS_ACCESS_KEY_ID: "env",
      AWS_SECRET_ACCESS_KEY: "e",
      AWS_REGION: "r",
      AWS_ENDPOINT_URL: "http://x:1",
    };
    const byEnvironment = await loadS3Settings(NO_FLAGS, environment, home);
    assert.deepEqual(
      [byEnvironment.credentials.accessKeyId, byEnvironment.region, byEnvironment.endpoint.href],
      ["env", "r", "http://x:1/"],
    );
    const credsFilePath = join(home, ".aws/credentials");
    const byFlag = await loadS3Settings(
      { ...NO_FLAGS, credsFilePath, customS3Endpoint: "https://y" },
      environment,
      home,
    );
    assert.deepEqual([byFlag.credentials.accessKeyId, byFlag.endpoint.href], ["file", "https://y/"]);
    await assert.rejects(
      loadS3Settings({ ...NO_FLAGS, credsFilePath: "/nowhere/x" }, {}, home),
      /cannot read \/nowhere\/x/,
    );
    await assert.rejects(
      loadS3Settings({ ...NO_FLAGS, customS3Endpoint: "minio:9000" }, environment, home),
      /want a URL/,
    );
  });
});

test("XML: elements, entities, and what is none of it", () => {
  assert.deepEqual(elementsOf("<r><a>1</a><b/><a></a><a>2", "a"), ["1", ""]);
  assert.equal(textOf("<Key>a&amp;b&lt;&#x41;&#66;&bogus;&#9999999;</Key>", "Key"), "a&b<AB&bogus;&#9999999;");
  assert.equal(textOf("", "Key"), "");
});
