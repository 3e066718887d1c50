import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseLabels } from "../exposition/label-text.ts";
import {
  formatAttributes,
  LABEL_VALUE_LENGTH_MAX,
  nameFamily,
  sanitizeLabelName,
  sanitizeMetricName,
} from "./prometheus-names.ts";

test("sanitizeMetricName", () => {
  const same = (name: string, clean: string) => assert.equal(sanitizeMetricName(name), clean, name);
  same("http_requests", "http_requests");
  same("http.server.duration", "http_server_duration");
  same("a name with spaces", "a_name_with_spaces");
  same("a__b", "a_b");
  same("job:rate:5m", "job:rate:5m");
  same("2xx", "_2xx");
  same("__proto__", "_proto_");
  same('x{y="1"} 5\n', "x_y_1_5_");
  same("", "_");
});

test("names and label names are always well-formed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      assert.match(sanitizeMetricName(name), /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
      assert.match(sanitizeLabelName(name), /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/);
    }),
  );
});

test("counters end with _total, units only where they are asked for", () => {
  const named = (name: string, unit: string, isCounter = false, unitSuffixes = false, isGauge = false) => {
    const family = nameFamily(name, unit, { isCounter, isGauge, unitSuffixes });
    return `${family.name} ${family.unit}`;
  };
  assert.equal(named("trips", "{trip}", true), "trips_total ");
  assert.equal(named("trips_total", "", true), "trips_total ");
  assert.equal(named("trip.duration", "s"), "trip_duration ");
  assert.equal(named("trip.duration", "s", false, true), "trip_duration_seconds seconds");
  assert.equal(named("trip_duration_seconds", "s"), "trip_duration_seconds seconds");
  assert.equal(named("io", "By", true, true), "io_bytes_total bytes");
  assert.equal(named("io_bytes_total", "By", true, true), "io_bytes_total bytes");
  assert.equal(named("speed", "m/s", false, true), "speed_meters_per_second meters_per_second");
  assert.equal(named("full", "1", false, true, true), "full_ratio ratio");
  assert.equal(named("full", "1", true, true), "full_total ");
  assert.equal(named("odd", "furlong^2", false, true), "odd_furlong_2 furlong_2");
});

test("attributes of every type", () => {
  const odd = { s: "text", n: 1.5, b: true, list: ["a", null, 2], none: null, gone: undefined, empty: "", fn: () => 1 };
  assert.equal(formatAttributes(odd as never), 'b="true",list="[\\"a\\",null,2]",n="1.5",s="text"');
  const circle: Record<string, unknown> = { big: 12n };
  circle["self"] = circle;
  assert.equal(formatAttributes(circle as never), 'big="12",self="[object]"');
});

test("two keys of one name share it, in the order of the keys", () => {
  assert.equal(formatAttributes({ "b c": "1", a_b: "2", "a.b": "3" }), 'a_b="3;2",b_c="1"');
  assert.equal(formatAttributes({ ["__proto__"]: "p", __name__: "n" }), '_name_="n",_proto_="p"');
  assert.equal(formatAttributes({ le: "5" }, [], "le"), 'exported_le="5"');
});

test("values are escaped and cut", () => {
  assert.equal(formatAttributes({ a: 'x"\n\\' }), 'a="x\\"\\n\\\\"');
  assert.equal(formatAttributes({ a: "x".repeat(10_000_000) }), `a="${"x".repeat(LABEL_VALUE_LENGTH_MAX)}"`);
});

test("label text is read back", () => {
  assert.deepEqual(parseLabels(""), []);
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.string({ unit: "grapheme" })), (labels) => {
      const kept = Object.entries(labels).filter(([, value]) => value !== "");
      kept.sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(parseLabels(formatAttributes(labels)), kept);
    }),
  );
});
