import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEndpoints } from "./endpoints.ts";

test("base URLs", () => {
  const same = (url: string, select: string, insert: string | null, remove: string) => {
    const endpoints = parseEndpoints(url, null);
    assert.deepEqual([endpoints.select, endpoints.insert, endpoints.delete], [select, insert, remove], url);
  };
  for (const url of ["http://h:1", "http://h:1/", "http://h:1//"]) same(url, "http://h:1", "http://h:1", "http://h:1");
  for (const url of ["http://h:1/prometheus", "http://h:1/prometheus/", "http://h:1//prometheus//"]) {
    same(url, "http://h:1/prometheus", "http://h:1/prometheus", "http://h:1/prometheus");
  }
  same("https://h/a/b/", "https://h/a/b", "https://h/a/b", "https://h/a/b");
  same("http://h:8481/select/7:1", "http://h:8481/select/7:1/prometheus", null, "http://h:8481/delete/7:1/prometheus");
  same("http://h/vm/select/1/prometheus/", "http://h/vm/select/1/prometheus", null, "http://h/vm/delete/1/prometheus");
});

test("writes of a cluster go where insertUrl says", () => {
  const insert = (url: string) => parseEndpoints("http://s:8481/select/1/prometheus", url).insert;
  assert.equal(insert("http://i:8480/insert/1/prometheus"), "http://i:8480/insert/1/prometheus");
  assert.equal(insert("http://i:8480/insert/1/"), "http://i:8480/insert/1/prometheus");
  assert.equal(insert("http://agent:8429"), "http://agent:8429");
});

test("health is asked at the root, and under Prometheus' prefix", () => {
  const health = (url: string) => parseEndpoints(url, null).health;
  assert.deepEqual(health("http://h"), ["http://h/health", "http://h/-/healthy"]);
  assert.deepEqual(health("http://h/select/0/prometheus"), ["http://h/health", "http://h/-/healthy"]);
  assert.deepEqual(health("http://h/prometheus"), [
    "http://h/health",
    "http://h/-/healthy",
    "http://h/prometheus/-/healthy",
  ]);
});

test("credentials are taken out of the URL and never quoted", () => {
  const { select, credentials } = parseEndpoints("http://me:p%40ss%25@h:1/x", null);
  assert.equal(select, "http://h:1/x");
  assert.deepEqual(credentials, { username: "me", password: "p@ss%" });
  assert.deepEqual(parseEndpoints("http://me:a%zz@h", null).credentials, { username: "me", password: "a%zz" });
  for (const [url, insert] of [
    ["http://me:secret@h:1:2", null],
    ["ftp://me:secret@h", null],
    ["http://me:secret@h/?a=b", null],
    ["http://h", "http://me:secret@h"],
    ["me:secret", null],
  ] as const) {
    assert.throws(
      () => parseEndpoints(url, insert),
      (error: Error) => {
        assert.equal(error.name, "TypeError");
        assert.doesNotMatch(
          JSON.stringify([error.message, String(error.cause), error.stack?.split("\n")[0]]),
          /secret/,
        );
        return true;
      },
      url,
    );
  }
});
