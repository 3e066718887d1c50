import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { metrics } from "@opentelemetry/api";
import { EndpointError } from "../exposition/endpoint.ts";
import { MetricSet } from "../native/metric-set.ts";
import { type MetricsKit, type MetricsOptions, startMetrics } from "./start-metrics.ts";

const local = { host: "127.0.0.1", port: 0 } as const;

/** A kit for the time of `body`, with what it reported. Not global unless asked: other tests run in this process. */
async function withKit(
  options: MetricsOptions,
  body: (kit: MetricsKit, reported: string[]) => Promise<void>,
): Promise<void> {
  const reported: string[] = [];
  const onError = (error: Error): void => void reported.push(error.message);
  const kit = await startMetrics({
    prometheus: local,
    global: false,
    sets: [],
    processMetrics: false,
    onError,
    ...options,
  });
  try {
    await body(kit, reported);
  } finally {
    await kit.shutdown();
  }
}

async function scrape(kit: MetricsKit, accept = "*/*"): Promise<string> {
  const answer = await fetch(kit.url as string, { headers: { accept, connection: "close" } });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}

interface Receiver {
  readonly url: string;
  readonly bodies: { readonly request: IncomingMessage; readonly body: Buffer }[];
  close(): Promise<void>;
}

async function startReceiver(status = 200): Promise<Receiver> {
  const bodies: Receiver["bodies"] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push({ request, body: Buffer.concat(chunks) });
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

test("instruments, native sets and the process at one address", async () => {
  const set = new MetricSet();
  set.getOrCreateCounter("native_total").inc();
  await withKit({ serviceName: "boathouse", sets: [set], processMetrics: true }, async (kit) => {
    kit.getMeter("lake").createCounter("trips").add(3, { boat: "ferry" });
    const text = await scrape(kit);
    assert.match(text, /^trips_total\{boat="ferry"\} 3$/m);
    assert.match(text, /^native_total 1$/m);
    assert.match(text, /^process_start_time_seconds \d/m);
    assert.match(
      text,
      /^target_info\{deployment_environment_name="production",service_instance_id="[^"]+",service_name="boathouse",service_version="1.0.0",telemetry_sdk_language="nodejs",/m,
    );
    const openMetrics = await scrape(kit, "application/openmetrics-text; version=1.0.0");
    assert.match(openMetrics, /^# TYPE trips counter$/m);
    assert.match(openMetrics, /# EOF\n$/);
  });
});

test("an instrument cannot take the place of a native metric, or of target_info", async () => {
  const set = new MetricSet();
  set.getOrCreateGauge("level").set(1);
  await withKit({ sets: [set] }, async (kit) => {
    const meter = kit.getMeter("lake");
    meter.createGauge("level").record(2);
    meter.createGauge("target_info").record(2);
    const text = await scrape(kit);
    assert.match(text, /^level 2$/m);
    assert.equal(text.match(/^target_info/gm)?.length, 2, "one with labels, one without");
    assert.match(text, /^metrics_dropped_samples 1$/m);
  });
});

test("callbacks that throw or hang cost their own values only", { timeout: 10_000 }, async () => {
  await withKit({}, async (kit, reported) => {
    const meter = kit.getMeter("lake");
    meter.createObservableGauge("bad").addCallback(() => {
      throw new Error("boo");
    });
    meter.createObservableGauge("rejected").addCallback(() => Promise.reject(new Error("hoo")));
    meter.createObservableGauge("good").addCallback((result) => result.observe(1));
    assert.match(await scrape(kit), /^good 1$/m);
    assert.deepEqual(reported.sort(), [
      "metrics: a callback of an instrument failed: boo",
      "metrics: a callback of an instrument failed: hoo",
    ]);
    assert.match(await scrape(kit), /^metrics_otel_callback_errors_total 4$/m);
  });
});

test("scrapes at the same time share one collection", async () => {
  await withKit({}, async (kit) => {
    let calls = 0;
    let asked = 0;
    let goOn = (): void => {};
    const allHaveAsked = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const onRequest = (message: unknown): void => {
      const { request } = message as { readonly request: IncomingMessage };
      if (String(request.socket.localPort) === new URL(kit.url as string).port && ++asked === 3) goOn();
    };
    subscribe("http.server.request.start", onRequest);
    kit
      .getMeter("lake")
      .createObservableGauge("slow")
      .addCallback(async (result) => {
        calls++;
        await allHaveAsked;
        result.observe(calls);
      });
    const texts = await Promise.all([scrape(kit), scrape(kit), scrape(kit)]);
    unsubscribe("http.server.request.start", onRequest);
    assert.equal(calls, 1);
    for (const text of texts) assert.match(text, /^slow 1$/m);
  });
});

test("the global provider is set, once, and unset again", async () => {
  const kit = await startMetrics({ prometheus: local });
  try {
    metrics.getMeter("lake").createCounter("trips").add(1);
    assert.match(await scrape(kit), /^trips_total 1$/m);
    await assert.rejects(startMetrics({ prometheus: local }), /a global meter provider is set already/);
    // The one that was refused has not taken the first one's place away.
    assert.equal(metrics.getMeterProvider(), kit.meterProvider);
  } finally {
    await Promise.all([kit.shutdown(), kit.shutdown()]);
  }
  assert.notEqual(metrics.getMeterProvider(), kit.meterProvider);
  await kit.flush();
  await assert.rejects(fetch(kit.url as string));
});

test("a taken port is an error that says so, and nothing stays behind", async () => {
  await withKit({}, async (kit) => {
    const port = Number(new URL(kit.url as string).port);
    const before = metrics.getMeterProvider();
    await assert.rejects(startMetrics({ prometheus: { ...local, port } }), (error) => {
      assert.ok(error instanceof EndpointError);
      assert.equal(error.code, "EADDRINUSE");
      return true;
    });
    assert.equal(metrics.getMeterProvider(), before);
  });
});

test("OTLP: JSON with gzip and headers, instruments and native metrics", async () => {
  const receiver = await startReceiver();
  const set = new MetricSet();
  set.getOrCreateCounter('native_total{a="b"}').add(5);
  try {
    const otlp = {
      url: receiver.url,
      protocol: "http/json",
      compression: "gzip",
      headers: { authorization: "Bearer x" },
    } as const;
    await withKit({ prometheus: false, otlp, sets: [set] }, async (kit, reported) => {
      assert.equal(kit.url, null);
      kit.getMeter("lake").createCounter("trips").add(3);
      await kit.flush();
      assert.deepEqual(reported, []);
    });
    // One by the flush, one by the shutdown.
    assert.equal(receiver.bodies.length, 2);
    const [{ request, body }] = receiver.bodies as [Receiver["bodies"][number]];
    assert.equal(request.url, "/opentelemetry/v1/metrics");
    assert.equal(request.headers.authorization, "Bearer x");
    assert.equal(request.headers["content-encoding"], "gzip");
    const text = gunzipSync(body).toString();
    const { resourceMetrics } = JSON.parse(text) as {
      resourceMetrics: { scopeMetrics: { scope: { name: string }; metrics: { name: string; sum?: unknown }[] }[] }[];
    };
    const names = resourceMetrics[0]?.scopeMetrics.map(({ scope, metrics: list }) => [
      scope.name,
      list.map(({ name }) => name),
    ]);
    assert.deepEqual(names, [
      ["lake", ["trips"]],
      [
        "@nyanza/metrics",
        [
          "metrics_otel_callback_errors_total",
          "metrics_otel_dropped_values_total",
          "metrics_otlp_export_errors_total",
          "metrics_otlp_exports_total",
          "native_total",
        ],
      ],
    ]);
  } finally {
    await receiver.close();
  }
});

test("a receiver that is away or refuses is counted and reported, no more", async () => {
  const receiver = await startReceiver(400);
  try {
    const otlp = { url: `${receiver.url}/v1/metrics?secret=1` };
    await withKit({ otlp }, async (kit, reported) => {
      kit.getMeter("lake").createCounter("trips").add(3);
      await kit.flush();
      assert.equal(reported.length, 1);
      assert.match(reported[0] as string, /^metrics: a push to http:\/\/127.0.0.1:\d+\/v1\/metrics failed: /);
      assert.match(await scrape(kit), /^metrics_otlp_export_errors_total 1$/m);
    });
  } finally {
    await receiver.close();
  }
  // Nobody listens there now, and the exporter retries until its time is over.
  await withKit({ prometheus: false, otlp: { url: receiver.url, timeoutMs: 50 } }, async (kit, reported) => {
    await kit.flush();
    assert.match(reported[0] as string, /failed: .*ECONNREFUSED/);
  });
});

test("onError may throw", async () => {
  const onError = (): never => {
    throw new Error("of onError itself");
  };
  await withKit({ onError, prometheus: false, otlp: { url: "http://127.0.0.1:1", timeoutMs: 50 } }, (kit) =>
    kit.flush(),
  );
});

test("cardinality is bounded where asked", async () => {
  await withKit({ cardinalityLimit: 10 }, async (kit) => {
    const counter = kit.getMeter("lake").createCounter("trips");
    for (let i = 0; i < 1000; i++) counter.add(1, { id: i });
    const lines = (await scrape(kit)).match(/^trips_total\{.*$/gm) ?? [];
    assert.ok(lines.length <= 10, String(lines.length));
    assert.ok(lines.some((line) => line.includes('otel_metric_overflow="true"')));
    assert.equal(
      lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0),
      1000,
    );
  });
});

test("nothing to start", async () => {
  const kit = await startMetrics({ prometheus: false, otlp: false });
  assert.equal(kit.url, null);
  kit.getMeter("lake").createCounter("trips").add(1);
  await kit.flush();
  await kit.shutdown();
});
