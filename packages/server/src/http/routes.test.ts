import assert from "node:assert/strict";
import { test } from "node:test";
import { normalizePath, ROUTES, Router, stripPathPrefix } from "./routes.ts";

test("every route says who may call it, how, and whose data it touches", () => {
  const seen = new Set<string>();
  for (const route of ROUTES) {
    assert.ok(route.path.startsWith("/"), route.path);
    assert.ok(!seen.has(route.path), `${route.path} twice`);
    seen.add(route.path);
    assert.ok(route.methods.length > 0, route.path);
    assert.ok(route.auth.length > 0 && route.handler.length > 0, route.path);
    // What reads or changes data is never public.
    if (route.tenant !== "none") assert.notEqual(route.auth, "public", route.path);
    if (route.body === "bytes") assert.ok(route.methods.includes("POST"), route.path);
    // Nothing that changes data answers to a plain link, but for the commands VictoriaMetrics has as links.
    if (route.body === "bytes" && route.handler !== "writeRemote")
      assert.ok(!route.methods.includes("GET"), route.path);
  }
});

test("Router", () => {
  const router = new Router();
  const same = (path: string, handler: string | null, rest = "") => {
    const match = router.find(path);
    assert.equal(match?.route.handler ?? null, handler, path);
    if (match !== null) assert.equal(match.rest, rest, path);
  };
  for (const route of ROUTES) {
    if (route.path.includes("{") || route.path.endsWith("*")) continue;
    same(route.path, route.handler);
    same(`/prometheus${route.path}`, route.hasPrometheusAlias ? route.handler : null);
  }
  same("/api/v1/label/job/values", "labelValues", "job");
  same("/api/v1/label/a/b/values", "labelValues", "a/b");
  same("/prometheus/api/v1/label/__name__/values", "labelValues", "__name__");
  same("/api/v1/label//values", null);
  same("/api/v1/label/values", null);
  same("/vmui/", "page", "");
  same("/vmui/assets/x.js", "page", "assets/x.js");
  same("/api/v1/import/prometheus/metrics/job/a", "importText", "job/a");
  same("/api/v1/query/", null);
  same("/nothing", null);
  same("", null);
  same("__proto__", null);
});

test("normalizePath", () => {
  assert.equal(normalizePath("//api//v1///query"), "/api/v1/query");
  assert.equal(normalizePath("/api/v1/label/a%2Fb/values"), "/api/v1/label/a/b/values");
  assert.equal(normalizePath("/%zz"), null);
  assert.equal(normalizePath("/%ff"), null);
});

test("stripPathPrefix", () => {
  assert.equal(stripPathPrefix("/a", ""), "/a");
  assert.equal(stripPathPrefix("/x/a", "/x"), "/a");
  assert.equal(stripPathPrefix("/x/a", "x/"), "/a");
  assert.equal(stripPathPrefix("/x", "/x/"), "/");
  assert.equal(stripPathPrefix("/xy/a", "/x"), null);
  assert.equal(stripPathPrefix("/a", "/x"), null);
  assert.equal(stripPathPrefix("/a", "/"), "/a");
});
