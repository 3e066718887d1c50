/** The doors as applications come through them, each in a process of its own: `--import`, `require`, the end by itself and by a signal. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `code` with node; `signal` is sent once it has printed something. */
function run(
  code: string,
  options: {
    readonly flags?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly signal?: NodeJS.Signals;
  },
): Promise<Ended> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("OTEL_")));
  const child = spawn(process.execPath, [...(options.flags ?? ["--input-type=module"]), "-e", code], {
    cwd: folder,
    env: { ...env, ...options.env },
    timeout: 20_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (stdout === "" && options.signal !== undefined) child.kill(options.signal);
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) =>
    child.once("close", (code_, signal) => resolve({ code: code_, signal, stdout, stderr })),
  );
}

interface Receiver {
  readonly port: number;
  /** Bodies of JSON pushes, as text. */
  readonly pushes: string[];
}

async function withReceiver(body: (receiver: Receiver) => Promise<void>): Promise<void> {
  const pushes: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      pushes.push(text);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body({ port: (server.address() as AddressInfo).port, pushes });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const register = ["--import", "@nyanza/metrics/register", "--input-type=module"];
const count = `
  import { metrics } from "@opentelemetry/api";
  metrics.getMeter("lake").createCounter("trips").add(2);
`;

function pushTo(port: number): Record<string, string> {
  return {
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  };
}

describe("doors", { concurrency: true }, () => {
  test("node --import @nyanza/metrics/register: an endpoint without a line of code", async () => {
    const port = await freePort();
    const env = { OTEL_EXPORTER_PROMETHEUS_HOST: "127.0.0.1", OTEL_EXPORTER_PROMETHEUS_PORT: String(port) };
    const scrape = `${count} console.log(await (await fetch("http://127.0.0.1:${port}/metrics")).text());`;
    const { code, stdout, stderr } = await run(scrape, { flags: register, env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^trips_total 2$/m);
    assert.match(stdout, /^process_resident_memory_bytes \d/m);
  });

  test("a taken port and bad variables are warnings; the push goes on", async () => {
    await withReceiver(async ({ port, pushes }) => {
      const env = {
        ...pushTo(port),
        OTEL_METRICS_EXPORTER: "prometheus,otlp",
        OTEL_EXPORTER_PROMETHEUS_HOST: "127.0.0.1",
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
        OTEL_METRIC_EXPORT_INTERVAL: "soon",
      };
      const { code, stderr } = await run(count, { flags: register, env });
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /MetricsWarning: metrics endpoint: 127\.0\.0\.1:\d+ is taken \(EADDRINUSE\).*NYANZA_METRICS_DIR/,
      );
      assert.match(stderr, /MetricsWarning: environment variable OTEL_METRIC_EXPORT_INTERVAL: want a whole number/);
      assert.equal(stderr.match(/OTEL_METRIC_EXPORT_INTERVAL/g)?.length, 1, stderr);
      assert.ok(
        pushes.at(-1)?.includes('"trips"'),
        "the last values are pushed when the process has nothing left to do",
      );
    });
  });

  test("SIGTERM: the last values are pushed, then the process ends as it would have", async () => {
    await withReceiver(async ({ port, pushes }) => {
      const code = `${count} setInterval(() => {}, 1000); console.log("up");`;
      const ended = await run(code, { flags: register, env: pushTo(port), signal: "SIGTERM" });
      assert.deepEqual([ended.code, ended.signal], [null, "SIGTERM"], ended.stderr);
      assert.ok(pushes[0]?.includes('"trips"'));
    });
  });

  test("SIGTERM: an application that handles it decides", async () => {
    await withReceiver(async ({ port, pushes }) => {
      const code = `${count}
      process.on("SIGTERM", () => setTimeout(() => process.exit(3), 400));
      setInterval(() => {}, 1000);
      console.log("up");`;
      const ended = await run(code, { flags: register, env: pushTo(port), signal: "SIGTERM" });
      assert.deepEqual([ended.code, ended.signal], [3, null], ended.stderr);
      assert.ok(pushes[0]?.includes('"trips"'));
    });
  });

  test("NYANZA_METRICS_DIR: two processes, one endpoint", async () => {
    const directory = mkdtempSync(join(tmpdir(), "nyanza-doors-"));
    try {
      const port = await freePort();
      const env = {
        NYANZA_METRICS_DIR: directory,
        OTEL_EXPORTER_PROMETHEUS_HOST: "127.0.0.1",
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
      };
      // The parent has the port by the time it starts the child; the child asks it.
      const parent = `${count}
        import { spawn } from "node:child_process";
        const child = spawn(process.execPath, ["--import", "@nyanza/metrics/register", "--input-type=module", "-e", process.env.CHILD], { stdio: "inherit" });
        child.on("close", (code) => process.exit(code));
      `;
      const child = `${count} console.log(await (await fetch("http://127.0.0.1:${port}/metrics")).text());`;
      const { code, stdout, stderr } = await run(parent, { flags: register, env: { ...env, CHILD: child } });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^trips_total 4$/m);
      assert.match(stdout, /^metrics_process_group_workers 2$/m);
      assert.equal(stdout.match(/^target_info\{/gm)?.length, 1);
      assert.doesNotMatch(stderr, /MetricsWarning/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("a worker of node:cluster that is in no group hears of it", async () => {
    const otel = import.meta.resolve("@nyanza/metrics/otel");
    const worker = `
      import { startMetrics } from "${otel}";
      const onError = (error) => console.log(error.message);
      const kit = await startMetrics({ prometheus: { host: "127.0.0.1", port: 0 }, onError });
      await kit.shutdown();
      process.exit();
    `;
    const primary = `
      import cluster from "node:cluster";
      import { fileURLToPath } from "node:url";
      const execArgv = ["--import", "data:text/javascript," + encodeURIComponent(process.env.WORKER)];
      cluster.setupPrimary({ exec: fileURLToPath("${otel}"), execArgv });
      cluster.fork().on("exit", (code) => process.exit(code));
    `;
    const ended = await run(primary, { env: { WORKER: worker } });
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^metrics: workers of node:cluster share .* pass processGroup: true/m);
  });

  test("OTEL_SDK_DISABLED", async () => {
    const env = { OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_PROMETHEUS_PORT: "1" };
    assert.deepEqual(await run(count, { flags: register, env }), { code: 0, signal: null, stdout: "", stderr: "" });
  });

  test("CommonJS: require of the doors", async () => {
    const code = `
    const { startMetrics } = require("@nyanza/metrics/otel");
    const { getOrCreateCounter } = require("@nyanza/metrics");
    startMetrics({ prometheus: { host: "127.0.0.1", port: 0 } }).then(async (kit) => {
      getOrCreateCounter("native_total").inc();
      require("@opentelemetry/api").metrics.getMeter("lake").createCounter("trips").add(2);
      console.log(await (await fetch(kit.url)).text());
      await kit.shutdown();
    });`;
    const { code: status, stdout, stderr } = await run(code, { flags: ["--input-type=commonjs"] });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^trips_total 2$/m);
    assert.match(stdout, /^native_total 1$/m);
  });
});
