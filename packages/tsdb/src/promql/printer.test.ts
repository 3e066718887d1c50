import assert from "node:assert/strict";
import { test } from "node:test";
import { surviving } from "./parse.fuzz.ts";
import { parsePromql } from "./parse.ts";
import { printPromql } from "./printer.ts";

const pretty = (query: string) => printPromql(parsePromql(query), { pretty: true });

test("what is short stays on its line, in a normal spelling", () => {
  const is = (query: string, want: string) => assert.equal(pretty(query), want, query);
  is('up{job="a",instance="b"}[300]  offset 0s', 'up{instance="b",job="a"}[5m]');
  is("sum(up)by(a)", "sum by (a) (up)");
  is("foo[60*30] offset (step())", "foo[60 * 30] offset (step())");
  is("-foo + bar # comment", "-foo + bar");
  is("1e6 > bool 5m", "1000000 > bool 5m");
});

test("what is longer than a line is broken from the outside", () => {
  const selector = (name: string) => `node_filesystem_${name}_bytes{fstype!="",job="node"}`;
  const query = `-sum by (job) (${selector("avail")} / on (instance) ${selector("size")} * 100) < 40 or (absent(${selector("free")}))`;
  assert.equal(
    pretty(query),
    `    -sum by (job) (
          node_filesystem_avail_bytes{fstype!="",job="node"}
        / on (instance)
          node_filesystem_size_bytes{fstype!="",job="node"}
      *
        100
    )
  <
    40
or
  (absent(node_filesystem_free_bytes{fstype!="",job="node"}))`,
  );
  surviving(parsePromql(query), query);
});

test("arguments and the inside of subqueries have lines of their own", () => {
  const query = `max_over_time(label_replace(rate(a_long_name_of_demo_api_request_duration_seconds_count{job="demo"}[5m]), "a", "$1", "b", "(.*)")[1h:5m] @ start() offset 1m)`;
  assert.equal(
    pretty(query),
    `max_over_time(
  label_replace(
    rate(a_long_name_of_demo_api_request_duration_seconds_count{job="demo"}[5m]),
    "a",
    "$1",
    "b",
    "(.*)"
  )[1h:5m] @ start() offset 1m
)`,
  );
  surviving(parsePromql(query), query);
});
