/**
 * The systems that are compared: how each is started, and what it is told so that all its data is on disk and merged.
 */
import { join } from "node:path";
import { http } from "#support/http";
import { startNyanza } from "#support/nyanza";
import { startPeer } from "#support/peers";
import type { Scope } from "#support/scope";

export type SystemName = "nyanza" | "victoria-metrics" | "prometheus";

export interface RunningSystem {
  readonly name: SystemName;
  readonly url: string;
  readonly pid: number;
  /** Where its data, index and log lie. */
  readonly dataFolder: string;
  /** Flush and merge; may go on in the background when it returns. Prometheus cannot be asked to. */
  settle(): Promise<void>;
}

export const systemNames: readonly SystemName[] = ["nyanza", "victoria-metrics", "prometheus"];

/** For node itself, such as `--cpu-prof --cpu-prof-dir=profiles`: a profile of the server under this load. */
const nodeFlags: readonly string[] = process.env["NYANZA_NODE_FLAGS"]?.split(" ") ?? [];

export interface SystemOptions {
  /** VictoriaMetrics' cache of rollups, off otherwise; with ours, queries say. */
  readonly caches?: boolean;
}

/** @param flags beside those it is always given: what Nyanza and VictoriaMetrics call by the same name; Prometheus gets none of them */
export async function startSystem(
  scope: Scope,
  name: SystemName,
  flags: readonly string[] = [],
  { caches = false }: SystemOptions = {},
): Promise<RunningSystem> {
  if (name === "prometheus") {
    const { url, process, folder } = await startPeer(scope, name, { flags: ["--web.enable-remote-write-receiver"] });
    return { name, url, pid: process.pid, dataFolder: join(folder, "data"), settle: async () => {} };
  }
  const { url, process, folder } =
    name === "nyanza"
      ? await startNyanza(scope, { nodeFlags, flags })
      : await startPeer(scope, name, {
          flags: [...(caches ? [] : ["-search.disableCache"]), "-search.maxUniqueTimeseries=1000000", ...flags],
        });
  const settle = async (): Promise<void> => {
    for (const path of ["/internal/force_flush", "/internal/force_merge"]) {
      const { status, text } = await http(`${url}${path}`);
      if (status >= 300) throw new Error(`${name}: ${path} answered ${status}: ${text}`);
    }
  };
  return { name, url, pid: process.pid, dataFolder: folder, settle };
}
