import assert from "node:assert/strict";
import { test } from "node:test";
import type { Variables } from "./environment.ts";
import { completeUrl, readSettings, type Settings, type SettingsOptions } from "./settings.ts";

/** What `options` and `variables` come to, and the warnings. */
function read(options: SettingsOptions, variables: Variables = {}): { settings: Settings; warnings: string[] } {
  const warnings: string[] = [];
  const settings = readSettings(options, variables, (message) => warnings.push(message));
  assert.ok(settings !== null);
  return { settings, warnings };
}

test("defaults", () => {
  const { settings, warnings } = read({});
  const { "service.instance.id": instance, ...resource } = settings.resource;
  assert.deepEqual(resource, {
    "service.name": "my-service",
    "service.version": "1.0.0",
    "deployment.environment.name": "production",
  });
  assert.match(String(instance), /^[0-9a-f-]{36}$/);
  assert.deepEqual(settings.prometheus, { host: undefined, port: 9090, path: "/metrics" });
  assert.equal(settings.otlp, null);
  assert.deepEqual(warnings, []);
});

test("an option wins over the environment, the environment over the default", () => {
  const variables = {
    OTEL_SERVICE_NAME: "boathouse",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=other,service.version=2.1,deployment.environment=staging,a%2Cb=c%3Dd",
    OTEL_EXPORTER_PROMETHEUS_HOST: "127.0.0.1",
    OTEL_EXPORTER_PROMETHEUS_PORT: "9464",
    OTEL_METRIC_EXPORT_INTERVAL: " 5000 ",
  };
  const { settings, warnings } = read({}, variables);
  assert.deepEqual(
    { ...settings.resource, "service.instance.id": "" },
    {
      "service.name": "boathouse",
      "service.version": "2.1",
      "deployment.environment": "staging",
      "deployment.environment.name": "staging",
      "service.instance.id": "",
      "a,b": "c=d",
    },
  );
  assert.deepEqual(settings.prometheus, { host: "127.0.0.1", port: 9464, path: "/metrics" });
  assert.deepEqual(warnings, []);

  const chosen = read(
    {
      serviceName: "pier",
      environment: "test",
      attributes: { "service.instance.id": "7" },
      prometheus: { port: 0, path: "/m" },
      otlp: { intervalMs: 1000 },
    },
    variables,
  ).settings;
  assert.equal(chosen.resource["service.name"], "pier");
  assert.equal(chosen.resource["deployment.environment.name"], "test");
  assert.equal(chosen.resource["service.instance.id"], "7");
  assert.deepEqual(chosen.prometheus, { host: "127.0.0.1", port: 0, path: "/m" });
  assert.equal(chosen.otlp?.intervalMs, 1000);
});

test("which exporters", () => {
  const chosen = (variables: Variables, options: SettingsOptions = {}) => {
    const { settings } = read(options, variables);
    return [settings.prometheus !== null, settings.otlp !== null];
  };
  assert.deepEqual(chosen({}), [true, false]);
  assert.deepEqual(chosen({ OTEL_METRICS_EXPORTER: "otlp" }), [false, true]);
  assert.deepEqual(chosen({ OTEL_METRICS_EXPORTER: "Prometheus, otlp" }), [true, true]);
  assert.deepEqual(chosen({ OTEL_METRICS_EXPORTER: "none" }), [false, false]);
  assert.deepEqual(chosen({ OTEL_METRICS_EXPORTER: "none" }, { otlp: true }), [false, true]);
  assert.deepEqual(chosen({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4318" }), [true, true]);
  assert.deepEqual(chosen({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4318" }, { otlp: false }), [true, false]);
  assert.equal(
    readSettings({}, { OTEL_SDK_DISABLED: "TRUE" }, () => {}),
    null,
  );
});

test("where to push", () => {
  const url = (variables: Variables) => read({ otlp: true }, variables).settings.otlp?.url;
  assert.equal(url({}), "http://localhost:4318/v1/metrics");
  assert.equal(
    url({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:8428/opentelemetry" }),
    "http://h:8428/opentelemetry/v1/metrics",
  );
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4318/" }), "http://h:4318/v1/metrics");
  assert.equal(url({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://h:4318/as/is" }), "http://h:4318/as/is");
  const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  assert.equal(url(grpc), "http://localhost:4317");
  assert.equal(url({ ...grpc, OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }), "collector:4317");

  const same = (base: string, whole: string) => assert.equal(completeUrl(base, "http/protobuf"), whole, base);
  same("http://127.0.0.1:8428", "http://127.0.0.1:8428/opentelemetry/v1/metrics");
  same("http://127.0.0.1:8428/", "http://127.0.0.1:8428/opentelemetry/v1/metrics");
  same("http://127.0.0.1:8428/?x=1", "http://127.0.0.1:8428/opentelemetry/v1/metrics?x=1");
  same("http://vminsert:8480/insert/0/opentelemetry", "http://vminsert:8480/insert/0/opentelemetry/v1/metrics");
  same("http://collector:4318", "http://collector:4318/v1/metrics");
  same("https://u:p@h/v1/metrics", "https://u:p@h/v1/metrics");
});

test("times of a push: none is longer than the interval", () => {
  const times = (variables: Variables) => {
    const { otlp } = read({ otlp: true }, variables).settings;
    return [otlp?.intervalMs, otlp?.exportTimeoutMs, otlp?.timeoutMs];
  };
  assert.deepEqual(times({}), [60_000, 30_000, 10_000]);
  assert.deepEqual(times({ OTEL_METRIC_EXPORT_INTERVAL: "1000" }), [1000, 1000, 1000]);
  assert.deepEqual(times({ OTEL_EXPORTER_OTLP_TIMEOUT: "40000" }), [60_000, 40_000, 40_000]);
  assert.deepEqual(
    times({ OTEL_METRIC_EXPORT_TIMEOUT: "5000", OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "2" }),
    [60_000, 5000, 2],
  );
});

test("variables that make no sense are reported and ignored", () => {
  const { settings, warnings } = read(
    { prometheus: true, otlp: true },
    {
      OTEL_METRICS_EXPORTER: "prometheus,console",
      OTEL_SDK_DISABLED: "yes",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=a,half",
      OTEL_EXPORTER_PROMETHEUS_PORT: "nine",
      OTEL_METRIC_EXPORT_INTERVAL: "-5",
      OTEL_METRIC_EXPORT_TIMEOUT: "1e99",
      OTEL_EXPORTER_OTLP_ENDPOINT: "no url",
      OTEL_EXPORTER_OTLP_PROTOCOL: "smoke",
      OTEL_EXPORTER_OTLP_COMPRESSION: "zstd",
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "eternal",
    },
  );
  assert.equal(settings.resource["service.name"], "my-service");
  assert.equal(settings.prometheus?.port, 9090);
  assert.deepEqual(settings.otlp, read({ otlp: true }).settings.otlp);
  assert.equal(warnings.length, 10, warnings.join("\n"));
  assert.equal(
    warnings.find((warning) => warning.includes("_PORT")),
    'environment variable OTEL_EXPORTER_PROMETHEUS_PORT: want a whole number from 0 to 65535, got "nine"; ignored',
  );
});

test("options that make no sense are refused", () => {
  const refused = (otlp: object, error: RegExp | typeof Error) => assert.throws(() => read({ otlp }), error);
  refused({ url: "127.0.0.1:8428" }, /want otlp.url such as http/);
  refused({ url: "file:///etc/passwd" }, TypeError);
  refused({ protocol: "http" }, /want otlp.protocol to be one of http\/protobuf, http\/json, grpc, got "http"/);
  refused({ compression: "zstd" }, TypeError);
  refused({ intervalMs: 0 }, RangeError);
  refused({ timeoutMs: Number.NaN }, RangeError);
});
