import assert from "node:assert/strict";
import { test } from "node:test";
import { installCommand, loadPeers, MissingPeerError, readSdkVersion } from "./peers.ts";

test("what to type fits the SDK that is there, or the newest that this Node can run", () => {
  const proto = "@opentelemetry/exporter-metrics-otlp-proto";
  const sdk = "@opentelemetry/sdk-metrics";
  assert.equal(installCommand([proto], "2.12.1", "24.1.0"), `npm install ${proto}@^0.223.0`);
  assert.equal(installCommand([proto], "3.1.1", "24.1.0"), `npm install ${proto}@^0.301.0`);
  assert.equal(installCommand([sdk], null, "20.19.0"), `npm install @opentelemetry/api@^1.9.0 ${sdk}@^2.12.0`);
  assert.equal(installCommand([sdk], null, "22.14.0"), `npm install @opentelemetry/api@^1.9.0 ${sdk}@^2.12.0`);
  assert.equal(installCommand([sdk], null, "22.15.0"), `npm install @opentelemetry/api@^1.10.0 ${sdk}@^3.1.0`);
});

test("the version of the SDK installed here", async () => {
  const { resources, exporter } = await loadPeers(null);
  assert.match(readSdkVersion(resources) ?? "", /^2\.\d+\.\d+$/);
  assert.equal(exporter, null);
});

test("a missing peer is named, with what to type", () => {
  const error = new MissingPeerError(["@opentelemetry/resources"], "npm install x", null);
  assert.equal(error.code, "MISSING_PEER");
  assert.match(error.message, /needs @opentelemetry\/resources, which cannot be found\. Install with: npm install x$/);
});
