import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NormalizeUrlOptions, normalizeUrl } from "./normalize-url.ts";

function becomes(url: string, path: string, options?: NormalizeUrlOptions): void {
  assert.equal(normalizeUrl(url, options), path, url);
  assert.equal(normalizeUrl(path, options), path, `${url}, again`);
}

test("ids in paths", () => {
  becomes("/api/users/123", "/api/users/:id");
  becomes("/api/orders/456/items/789", "/api/orders/:id/items/:id");
  becomes("/users/-5/posts/+49123", "/users/:id/posts/:id");
  becomes("/batch/1,2,3", "/batch/:id");
  becomes("/near/52.52,13.405", "/near/:id");
  becomes("/books/978-3-16-148410-0", "/books/:id");
  becomes("/invoices/invoice-100234", "/invoices/:id");
  becomes("/users/123.json", "/users/:id.json");
  becomes("/users/90071992547409931234567890", "/users/:id");
  becomes("/by-date/20251012", "/by-date/:id");
});

test("uuids, hashes, tokens", () => {
  becomes("/a/550e8400-e29b-41d4-a716-446655440000", "/a/:uuid");
  becomes("/a/550E8400-E29B-41D4-A716-446655440000.png", "/a/:uuid.png");
  becomes("/commit/ac48cf5be1d0b8a6a1c2f3e4d5c6b7a8f9e0d1c2", "/commit/:hash");
  becomes("/md5/d41d8cd98f00b204e9800998ecf8427e", "/md5/:hash");
  becomes("/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "/sha256/:hash");
  becomes("/docs/507f1f77bcf86cd799439011", "/docs/:hash");
  becomes("/static/0f3a8c9d12345678.js", "/static/:hash.js");
  becomes("/e/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/e/:ulid");
  becomes("/e/01arz3ndektsv4rrffq69g5fav", "/e/:ulid");
  becomes("/p/V1StGXR8_Z5jdHi6B-myT", "/p/:token");
  becomes("/p/cm1x9v2k40000abcd8efghij5", "/p/:token");
  becomes("/k/0ujsswThIGTUYm2K8FjOOfXtY1K", "/k/:token");
  becomes("/c/cus_NffrFeUfNV2Hib", "/c/:token");
  becomes("/jwt/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "/jwt/:token");
});

test("e-mails, dates, addresses, free text", () => {
  becomes("/u/ann@example.com", "/u/:email");
  becomes("/u/ann.lee%2Bx%40example.co.uk/edit", "/u/:email/edit");
  becomes("/r/2025-10-12", "/r/:date");
  becomes("/r/2025-10", "/r/:date");
  becomes("/r/2025-10-12T08:30:00.123Z", "/r/:date");
  becomes("/r/2025-10-12T08%3A30%3A00%2B02%3A00", "/r/:date");
  becomes("/r/2025-13-12", "/r/:id");
  becomes("/hosts/10.0.0.1/ping", "/hosts/:ip/ping");
  becomes("/search/two%20words", "/search/:text");
  becomes("/search/%zz/%", "/search/:text/:text");
  becomes("/search/%E4%BD%A0", "/search/:text");
  becomes("/search/你", "/search/:text");
  becomes('/a\nb/\u0000/\ud800/"', "/:text/:text/:text/:text");
  becomes("/%252e%252e/%2541", "/:text/:text");
});

test("words, versions and templates stay", () => {
  for (const path of [
    "/",
    "/api/v1/query_range",
    "/2.0/repositories",
    "/lib/1.2.3",
    "/react@18.2.0/index.js",
    "/@vue/compiler-sfc",
    "/oauth2/callback",
    "/s3/x86_64-unknown-linux-gnu",
    "/blog/top-10-tips-for-writing-in-2024",
    "/shop.v1.OrderService/ListUserAccountsV2",
    "/users/:id/posts/{postId}/[slug]/*",
    "/google.cloud.speech.v1p1beta1.Speech/Recognize",
    "/favicon.ico",
    "/.well-known/openid-configuration",
    "/internationalization-of-everything/acknowledgements",
  ]) {
    becomes(path, path);
  }
});

test("what is not the path, and untidy paths", () => {
  becomes("", "/");
  becomes("?a=1", "/");
  becomes("#top", "/");
  becomes("users/7?x=/8#/9", "/users/:id");
  becomes("https://user:pass@shop.example:8443/api/users/123/?q=1#top", "/api/users/:id");
  becomes("https://shop.example", "/");
  becomes("https://shop.example?x=/1", "/");
  becomes("/proxy/http://shop.example/7", "/proxy/http:/shop.example/:id");
  becomes("//a///b//", "/a/b");
  becomes("/a/./b/../c", "/a/c");
  becomes("/a/%2e%2E/b", "/b");
  becomes("/../../etc/passwd", "/etc/passwd");
  becomes("/..", "/");
  becomes("/app;jsessionid=0A1B2C/page;v=1;w=2?q", "/app/page");
  becomes("/%61pi/%7Eann", "/api/~ann");
  assert.equal(normalizeUrl(undefined as unknown as string), "/");
});

test("too long, too many", () => {
  becomes(`/a/${"x".repeat(64)}`, `/a/${"x".repeat(64)}`);
  becomes(`/a/${"x".repeat(65)}/b`, "/a/:long/b");
  becomes(`/a/${"%61".repeat(65)}/b`, "/a/:long/b");
  becomes("/x".repeat(12), "/x".repeat(12));
  becomes("/x".repeat(13), `${"/x".repeat(12)}/…`);
  becomes("/a/b/c/d", "/a/b/…", { maxSegments: 2 });
  becomes("/a/b/../c", "/a/c", { maxSegments: 2 });
});

test("custom patterns come first", () => {
  const options: NormalizeUrlOptions = {
    patterns: [
      { match: /^sku-\w+$/g, as: ":sku" },
      { match: (segment) => segment.length === 2, as: ":lang" },
      { match: /^\d{4}$/y, as: "year-100000" },
      {
        match: () => {
          throw new Error("careless");
        },
        as: ":never",
      },
    ],
  };
  for (let again = 0; again < 3; again++) {
    becomes("/de/p/sku-9f/2024/12345", "/:lang/p/:sku/year-100000/:id", options);
  }
  becomes("/../x", "/x", options);
  becomes(`/${"a".repeat(5000)}`, "/:long", { patterns: [{ match: /^(a+)+b$/, as: ":never" }] });
});

test("options that make no sense are named", () => {
  const refuses = (options: NormalizeUrlOptions, error: RegExp) =>
    assert.throws(() => normalizeUrl("/", options), error);
  refuses({ maxSegments: 0 }, /maxSegments is 0/);
  refuses({ maxSegmentLength: Number.NaN }, /maxSegmentLength is NaN/);
  for (const as of ["", "a/b", "..", "a?b", "ü", "%41"]) refuses({ patterns: [{ match: /x/, as }] }, /one segment/);
  refuses({ patterns: [{ match: "x" as unknown as RegExp, as: ":x" }] }, /neither a RegExp/);
  refuses({ patterns: [{ match: /x/, as: "x".repeat(65) }] }, /at most 64/);
});

const piece = fc.oneof(
  fc.constantFrom(
    "/",
    "/",
    "..",
    ".",
    "%2e",
    "%",
    "%2F",
    "%25",
    ":",
    "@",
    "…",
    ";",
    "?",
    "#",
    "://",
    "http",
    "-",
    "T",
    "Z",
  ),
  fc.constantFrom(
    "2025-10-12",
    "10.0.0.1",
    "deadbeefdeadbee0",
    "a@b.c",
    ":id",
    ":text",
    "123456",
    ".json",
    "V1StGXR8_Z5jdHi6B-myT",
  ),
  fc.nat().map(String),
  fc.uuid(),
  fc.emailAddress(),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme-ascii" }),
);
const anyUrl = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));

test("any string: bounded, plain, the same when normalized again", () => {
  const patterns = [
    { match: (segment: string) => segment.length % 3 === 0, as: "p" },
    { match: /id/, as: ":other-1234567" },
    { match: /^x/, as: "id" },
  ];
  for (const options of [undefined, { maxSegments: 2, maxSegmentLength: 16 }, { patterns }]) {
    const { maxSegments = 12, maxSegmentLength = 64 } = options ?? {};
    fc.assert(
      fc.property(anyUrl, (url) => {
        const path = normalizeUrl(url, options);
        assert.ok(path.length <= maxSegments * (maxSegmentLength + 1) + 2, path);
        assert.match(path, /^\/[!$&'()*+,\-./0-9:=@A-Z[\]_a-z{}~]*…?$/);
        assert.equal(normalizeUrl(path, options), path);
      }),
      { numRuns: 300 },
    );
  }
});

test("a distinct id does not make a distinct path", () => {
  const idOfRoute = fc.oneof(
    fc.nat().map(String),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(String),
    fc.uuid().map((uuid) => uuid.toUpperCase()),
    fc.uuid(),
    fc.ulid(),
  );
  const seen = new Set<string>();
  fc.assert(fc.property(idOfRoute, (id) => void seen.add(normalizeUrl(`/api/things/${id}/parts`))));
  assert.ok(
    [...seen].every((path) => /^\/api\/things\/:(id|uuid|ulid)\/parts$/.test(path)),
    [...seen].join(" "),
  );
});

test("megabytes of hostile URL take linear time", () => {
  const size = 1 << 20;
  for (const unit of [
    "/",
    "/a/..",
    "%2e",
    "%25",
    "/a@b/..",
    "@",
    "a@",
    ".",
    "1.",
    "a1",
    "/%41/..",
    "http",
    ";",
    "1,",
  ]) {
    const url = unit.repeat(size / unit.length);
    const startMs = performance.now();
    assert.ok(normalizeUrl(url).length < 1000);
    // Quadratic would be minutes.
    assert.ok(performance.now() - startMs < 2000, unit);
  }
});
