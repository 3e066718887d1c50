import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { acceptsGzip, chooseFormat } from "./negotiation.ts";

test("chooseFormat", () => {
  const same = (accept: string | undefined, format: string) => assert.equal(chooseFormat(accept), format, accept);
  // Prometheus 2.42
  same(
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "openmetrics",
  );
  // Prometheus 3, without and with protobuf
  same(
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    "openmetrics",
  );
  same(
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    "openmetrics",
  );
  // vmagent, curl, a browser, nothing
  same("text/plain;version=0.0.4;q=1,*/*;q=0.1", "text");
  same("*/*", "text");
  same("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text");
  same(undefined, "text");
  same("", "text");
  // Prometheus told by its configuration to prefer text
  same("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", "text");
  // spelling
  same('APPLICATION/OpenMetrics-Text ; Version="1.0.0" ; Q=0.7, text/plain;q=0.3', "openmetrics");
  same("application/openmetrics-text", "openmetrics");
  same("application/openmetrics-text, text/plain", "openmetrics");
  same("text/plain, application/openmetrics-text", "text");
  same("text/*, application/openmetrics-text;q=0.9", "text");
  // versions that are not spoken here, and refusals
  same("application/openmetrics-text;version=0.0.1", "text");
  same("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", "text");
  same("application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.9", "openmetrics");
  same("application/openmetrics-text;q=0", "text");
  same("application/openmetrics-text;q=nonsense", "openmetrics");
  same("application/json", "text");
});

test("acceptsGzip", () => {
  const same = (header: string | undefined, accepts: boolean) => assert.equal(acceptsGzip(header), accepts, header);
  same("gzip", true);
  same("gzip, deflate, br", true);
  same("deflate, GZIP;q=0.5", true);
  same("*", true);
  same("gzip;q=0", false);
  same("*, gzip;q=0", false);
  same("gzip;q=0.000", false);
  same("identity", false);
  same("br", false);
  same("", false);
  same(undefined, false);
});

test("any header gives an answer", () => {
  const part = fc.constantFrom(
    "application/openmetrics-text",
    "text/plain",
    "gzip",
    "*",
    ",",
    ";",
    "=",
    "q",
    '"',
    " ",
    "1",
  );
  const header = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(part).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(header, (text) => {
      assert.match(chooseFormat(text), /^(text|openmetrics)$/);
      assert.equal(typeof acceptsGzip(text), "boolean");
    }),
  );
});
