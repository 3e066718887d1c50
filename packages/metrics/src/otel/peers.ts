/**
 * OpenTelemetry's SDK and exporters are optional peers: who wants the native client only does not install them. They are imported
 * when `startMetrics` runs, and a missing one is an error that says what to type.
 */
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { OtlpProtocol } from "./settings.ts";

export type SdkModule = typeof import("@opentelemetry/sdk-metrics");
export type ResourcesModule = typeof import("@opentelemetry/resources");

/** What the three exporters have in common. */
export interface ExporterModule {
  readonly OTLPMetricExporter: new (options: Readonly<Record<string, unknown>>) => PushMetricExporter;
}

export type PeerName =
  | "@opentelemetry/sdk-metrics"
  | "@opentelemetry/resources"
  | "@opentelemetry/exporter-metrics-otlp-proto"
  | "@opentelemetry/exporter-metrics-otlp-http"
  | "@opentelemetry/exporter-metrics-otlp-grpc";

/** Literal imports, so that bundlers see them. The cast keeps the compiler from asking for the types of what may be missing. */
const loaders: Readonly<Record<PeerName, () => Promise<unknown>>> = {
  "@opentelemetry/sdk-metrics": () => import("@opentelemetry/sdk-metrics" as string),
  "@opentelemetry/resources": () => import("@opentelemetry/resources" as string),
  "@opentelemetry/exporter-metrics-otlp-proto": () => import("@opentelemetry/exporter-metrics-otlp-proto" as string),
  "@opentelemetry/exporter-metrics-otlp-http": () => import("@opentelemetry/exporter-metrics-otlp-http" as string),
  "@opentelemetry/exporter-metrics-otlp-grpc": () => import("@opentelemetry/exporter-metrics-otlp-grpc" as string),
};

const exporterNames: Readonly<Record<OtlpProtocol, PeerName>> = {
  "http/protobuf": "@opentelemetry/exporter-metrics-otlp-proto",
  "http/json": "@opentelemetry/exporter-metrics-otlp-http",
  grpc: "@opentelemetry/exporter-metrics-otlp-grpc",
};

export interface Peers {
  readonly sdk: SdkModule;
  readonly resources: ResourcesModule;
  /** Null if none was asked for. */
  readonly exporter: ExporterModule | null;
}

/** A peer is not installed. `message` names all that are missing and the command that installs them. */
export class MissingPeerError extends Error {
  override readonly name = "MissingPeerError";
  readonly code = "MISSING_PEER";
  readonly packages: readonly string[];

  constructor(packages: readonly PeerName[], command: string, cause: unknown) {
    super(`startMetrics needs ${packages.join(" and ")}, which cannot be found. Install with: ${command}`, { cause });
    this.packages = packages;
  }
}

/**
 * Imports the SDK and, for a protocol, its exporter.
 * @throws MissingPeerError
 */
export async function loadPeers(protocol: OtlpProtocol | null): Promise<Peers> {
  const names: PeerName[] = ["@opentelemetry/sdk-metrics", "@opentelemetry/resources"];
  if (protocol !== null) names.push(exporterNames[protocol]);
  const missing: PeerName[] = [];
  let cause: unknown;
  const [sdk, resources, exporter] = await Promise.all(
    names.map(async (name) => {
      try {
        return await loaders[name]();
      } catch (error) {
        if (!isMissing(error, name)) throw error;
        missing.push(name);
        cause = error;
        return null;
      }
    }),
  );
  if (missing.length > 0) {
    const version = readSdkVersion(resources as ResourcesModule | null);
    throw new MissingPeerError(missing, installCommand(missing, version, process.versions.node), cause);
  }
  return { sdk: sdk as SdkModule, resources: resources as ResourcesModule, exporter: (exporter ?? null) as never };
}

/** Of `@opentelemetry/resources`, which is released together with the SDK; null if it is not there. */
export function readSdkVersion(resources: ResourcesModule | null): string | null {
  const version = resources?.defaultResource().attributes["telemetry.sdk.version"];
  return typeof version === "string" ? version : null;
}

/**
 * What to type for `packages`. Exporters are numbered apart from the SDK: 0.2xx goes with 2.x, 0.30x with 3.x. Without an SDK, the newest
 * that runs on this Node: 3.x needs 22.15.
 *
 *     installCommand(["@opentelemetry/exporter-metrics-otlp-proto"], "2.12.1", "20.19.0")
 *     // npm install @opentelemetry/exporter-metrics-otlp-proto@^0.223.0
 */
export function installCommand(packages: readonly PeerName[], sdkVersion: string | null, nodeVersion: string): string {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  const isThree =
    sdkVersion === null ? major > 22 || (major === 22 && minor >= 15) : Number.parseInt(sdkVersion, 10) >= 3;
  const ranges = packages.map((name) => {
    const isExporter = name.includes("exporter");
    if (isExporter) return `${name}@^${isThree ? "0.301.0" : "0.223.0"}`;
    return isThree ? `${name}@^3.1.0` : `${name}@^2.12.0`;
  });
  // An SDK that is not there yet may find an API that is too old for it.
  const needsApi = packages.includes("@opentelemetry/sdk-metrics");
  if (needsApi) ranges.unshift(isThree ? "@opentelemetry/api@^1.10.0" : "@opentelemetry/api@^1.9.0");
  return `npm install ${ranges.join(" ")}`;
}

/** The package itself and not one that it wants. */
function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${name}'`)
  );
}
