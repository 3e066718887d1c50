import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TENANT, InputError } from "@nyanza/tsdb";
import { encodeSnappy, encodeWriteRequest, type RemoteWriteBatch, RemoteWriteParser } from "@nyanza/tsdb/ingest";
import fc from "fast-check";
import { parseRemoteWrite, type RemoteWriteEncoding } from "./parse.ts";

const message = encodeWriteRequest([
  {
    labels: [
      ["__name__", "up"],
      ["job", "node"],
    ],
    timestamps: [1_700_000_000_000, 1_700_000_015_000],
    values: Float64Array.of(1, -0),
  },
]);
const snappy = encodeSnappy(message);
/** Stands for zstd here: its magic, then the message as it is. What undoes real zstd is the caller's. */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const zstd = Buffer.concat([ZSTD_MAGIC, message]);

async function parse(body: Uint8Array, encoding: RemoteWriteEncoding, maxBytes = 1 << 20): Promise<RemoteWriteBatch> {
  return parseRemoteWrite(new RemoteWriteParser(), body, {
    tenant: DEFAULT_TENANT,
    encoding,
    maxBytes,
    async unpack(packed, packing) {
      if (packing !== "zstd") return packed;
      if (!ZSTD_MAGIC.equals(packed.subarray(0, 4))) throw new InputError("cannot decode the zstd body");
      return packed.subarray(4);
    },
  });
}

test("remote write: snappy without a header, zstd by header, each under the other's name, gzip by header only", async () => {
  const bodies: [Uint8Array, RemoteWriteEncoding][] = [
    [snappy, "identity"],
    [snappy, "snappy"],
    [zstd, "zstd"],
    [zstd, "identity"],
    [zstd, "snappy"],
    [snappy, "zstd"],
    [message, "gzip"],
    [message, "deflate"],
  ];
  for (const [body, encoding] of bodies) {
    const batch = await parse(body, encoding);
    assert.equal(batch.seriesCount, 1, encoding);
    assert.deepEqual([...batch.timestamps], [1_700_000_000_000, 1_700_000_015_000], encoding);
    assert.ok(Object.is(batch.values[1], -0), encoding);
    const labels = batch.readLabels(0).map(({ name, value }) => `${Buffer.from(name)}=${Buffer.from(value)}`);
    assert.deepEqual(labels, ["__name__=up", "job=node"]);
  }
});

test("remote write: what is none is refused with 400 and the error that fits the header", async () => {
  const refused = (body: Uint8Array, encoding: RemoteWriteEncoding, wanted: RegExp, maxBytes?: number) =>
    assert.rejects(parse(body, encoding, maxBytes), (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.equal(error.status, 400);
      assert.match(error.message, wanted);
      assert.doesNotMatch(error.message, /remote write.*remote write/);
      return true;
    });
  await refused(Buffer.from("nonsense"), "zstd", /zstd/);
  await refused(Buffer.from("nonsense"), "identity", /^remote write.*snappy/);
  await refused(Buffer.from(""), "identity", /^remote write/);
  await refused(Buffer.concat([ZSTD_MAGIC, Buffer.from("nonsense")]), "identity", /^remote write/);
  await refused(Buffer.from("nonsense"), "gzip", /^remote write/);
  await refused(snappy, "snappy", /^remote write/, 10);
});

test("remote write: truncated at every byte or changed anywhere, a body is a batch or an InputError of 400", async () => {
  const orInputError = async (body: Uint8Array): Promise<void> => {
    try {
      await parse(body, "identity");
    } catch (error) {
      if (!(error instanceof InputError) || error.status !== 400) throw error;
    }
  };
  for (let end = 0; end < snappy.length; end++) await orInputError(snappy.subarray(0, end));
  const change = fc.tuple(fc.nat({ max: snappy.length - 1 }), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
      const body = Buffer.from(snappy);
      for (const [at, byte] of changes) body[at] = byte;
      await orInputError(body);
    }),
    { numRuns: 200 },
  );
});
