import assert from "node:assert/strict";
import { test } from "node:test";
import { Aggregator, CardinalityLimiter, MetricSet, normalizeUrl } from "./index.ts";

test("a limiter and normalizeUrl shape the labels of a typed family", () => {
  const set = new MetricSet();
  const paths = new CardinalityLimiter({ maxValues: 2 });
  const requests = set.counter("http_requests_total", {
    help: "Requests.",
    labelNames: ["method", "path"],
    shape: { path: (url) => paths.fold(normalizeUrl(url)) },
  });
  for (let id = 0; id < 10; id++) requests.inc({ method: "GET", path: `/users/${id}?tab=${id}` });
  for (let word = 0; word < 10; word++) requests.inc({ method: "GET", path: `/word-${"x".repeat(word)}` });
  assert.equal(
    set.writePrometheus(),
    [
      `http_requests_total{method="GET",path="/users/:id"} 10`,
      `http_requests_total{method="GET",path="/word-"} 1`,
      `http_requests_total{method="GET",path="other"} 9`,
      "",
    ].join("\n"),
  );
  const bare = set.counter("bare_total", { help: "Bare.", labelNames: ["path"], shape: { path: paths.fold } });
  bare.inc({ path: "/third" });
  assert.match(set.writePrometheus(), /^bare_total\{path="other"\} 1$/m);
});

test("top values: a replaced value's series can be removed", () => {
  const set = new MetricSet();
  const customers = new CardinalityLimiter({
    maxValues: 1,
    policy: "top",
    windowSize: 100,
    onReplaced: (customer) => orders.remove({ customer }),
  });
  const orders = set.counter("orders_total", {
    help: "Orders.",
    labelNames: ["customer"],
    shape: { customer: customers.fold },
  });
  for (let i = 0; i < 400; i++) orders.inc({ customer: i < 100 ? "early" : "late" });
  const text = set.writePrometheus();
  assert.doesNotMatch(text, /early/);
  assert.match(text, /^orders_total\{customer="other"\} \d+$/m);
  assert.match(text, /^orders_total\{customer="late"\} \d+$/m);
});

test("an aggregator before a typed family knows its labels", () => {
  const set = new MetricSet();
  const logins = set.counter("logins_total", { help: "Logins.", labelNames: ["method"] });
  const aggregator = new Aggregator(logins);
  aggregator.increment({ method: "token" }, 2);
  aggregator.increment({ method: "token" });
  // @ts-expect-error: no label of this family
  aggregator.increment({ mehtod: "token" }, 0);
  aggregator.close();
  assert.match(set.writePrometheus(), /^logins_total\{method="token"\} 3$/m);
});
