/**
 * What senders say about metrics besides samples: type, help text, unit. Kept in memory only, bounded, and lost at a restart, as in
 * VictoriaMetrics: senders repeat it.
 */
import { formatTenant, type Tenant } from "@nyanza/tsdb";
import { decodeLabelBytes, type RemoteWriteBatch } from "@nyanza/tsdb/ingest";
import type { Handler } from "../http/context.ts";
import { sendBody } from "../http/response.ts";
import type { MetricMetadata } from "../protocol/row-sink.ts";

/** Metrics remembered, over all tenants; what was heard of least recently goes first. */
const METRICS_MAX = 20_000;
/** Longer texts are cut: nobody reads them, and they are a stranger's. */
const TEXT_LENGTH_MAX = 1_024;

/** prometheus.MetricMetadata.MetricType by number. */
const TYPES: readonly string[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

export class MetadataStore {
  /** By tenant and metric name, least recently heard of first. */
  readonly #metrics: Map<string, { readonly tenant: string; readonly metadata: MetricMetadata }> = new Map();

  get size(): number {
    return this.#metrics.size;
  }

  /** Later word on a metric replaces what was said before, field by field where it says something. */
  add(tenant: Tenant, said: MetricMetadata): void {
    if (said.name === "" || said.name.length > TEXT_LENGTH_MAX) return;
    const owner = formatTenant(tenant);
    const key = `${owner}\0${said.name}`;
    const known = this.#metrics.get(key)?.metadata;
    this.#metrics.delete(key);
    const metadata = {
      name: said.name,
      type: cut(said.type || known?.type),
      help: cut(said.help || known?.help),
      unit: cut(said.unit || known?.unit),
    };
    this.#metrics.set(key, { tenant: owner, metadata });
    if (this.#metrics.size <= METRICS_MAX) return;
    for (const oldest of this.#metrics.keys()) {
      this.#metrics.delete(oldest);
      break;
    }
  }

  /** Takes what a remote-write request says. */
  addAll(batch: RemoteWriteBatch): void {
    for (let i = 0; i < batch.metadataCount; i++) {
      const { type, familyName, help, unit } = batch.readMetadata(i);
      const text = (bytes: Uint8Array): string =>
        decodeLabelBytes(bytes, 0, Math.min(bytes.length, TEXT_LENGTH_MAX + 1));
      this.add(batch.tenant, {
        name: text(familyName),
        type: TYPES[type] ?? "unknown",
        help: text(help),
        unit: text(unit),
      });
    }
  }

  /** At most `limit` metrics of a tenant (all if 0), or the one named. */
  list(tenant: Tenant, name: string, limit: number): MetricMetadata[] {
    const owner = formatTenant(tenant);
    if (name !== "") {
      const known = this.#metrics.get(`${owner}\0${name}`);
      return known === undefined ? [] : [known.metadata];
    }
    const found: MetricMetadata[] = [];
    for (const { tenant: of, metadata } of this.#metrics.values()) if (of === owner) found.push(metadata);
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    return limit > 0 ? found.slice(0, limit) : found;
  }
}

/** `/api/v1/metadata?metric=&limit=`: Prometheus' shape, an object of lists by metric name. */
export function createMetadataHandler(store: MetadataStore): Handler {
  return ({ args, request, response, tenant }) => {
    const list = store.list(tenant, args.get("metric") ?? "", args.getInteger("limit", 0));
    // Written entry by entry: a metric's name is never the key of an object of ours.
    const entries = list.map(
      ({ name, type, help, unit }) => `${JSON.stringify(name)}:[${JSON.stringify({ type, unit, help })}]`,
    );
    sendBody(
      request,
      response,
      { contentType: "application/json" },
      `{"status":"success","data":{${entries.join(",")}}}`,
    );
  };
}

function cut(text: string | undefined): string {
  return (text ?? "").slice(0, TEXT_LENGTH_MAX);
}
