/**
 * The real programs we must get along with, from Debian's packages, on free ports of 127.0.0.1 and with folders of
 * their own. Nothing of a system service is used.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { http } from "./http.ts";
import { freePort, type RunningProcess, startProcess } from "./process.ts";
import { makeFolder, type Scope } from "./scope.ts";

export interface Peer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly process: RunningProcess;
}

export type PeerName = "victoria-metrics" | "vmagent" | "vmalert" | "prometheus" | "node-exporter" | "alertmanager";

interface PeerKind {
  readonly command: string;
  readonly readyPath: string;
  args(port: number, folder: string): string[];
  /** Written to `config.yml` in its folder unless the caller brings a text. */
  readonly config?: string;
}

const kinds: Readonly<Record<PeerName, PeerKind>> = {
  "victoria-metrics": {
    command: "victoria-metrics",
    readyPath: "/health",
    args: (port, folder) => [
      `-storageDataPath=${folder}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      "-retentionPeriod=100y",
      "-search.latencyOffset=0s",
    ],
  },
  vmagent: {
    command: "vmagent",
    readyPath: "/health",
    args: (port, folder) => [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-promscrape.config=${folder}/config.yml`,
      `-remoteWrite.tmpDataPath=${folder}/queue`,
    ],
  },
  vmalert: {
    command: "vmalert",
    readyPath: "/health",
    args: (port, folder) => [`-httpListenAddr=127.0.0.1:${port}`, `-rule=${folder}/config.yml`],
  },
  prometheus: {
    command: "prometheus",
    readyPath: "/-/ready",
    args: (port, folder) => [
      `--web.listen-address=127.0.0.1:${port}`,
      `--config.file=${folder}/config.yml`,
      `--storage.tsdb.path=${folder}/data`,
    ],
    config: "global: {}\n",
  },
  "node-exporter": {
    command: "prometheus-node-exporter",
    readyPath: "/",
    args: (port) => [`--web.listen-address=127.0.0.1:${port}`],
  },
  alertmanager: {
    command: "prometheus-alertmanager",
    readyPath: "/-/ready",
    args: (port, folder) => [
      `--web.listen-address=127.0.0.1:${port}`,
      `--config.file=${folder}/config.yml`,
      `--storage.path=${folder}/data`,
      "--cluster.listen-address=",
    ],
    config: "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n",
  },
};

export interface PeerOptions {
  readonly flags?: readonly string[];
  /** Text of its configuration file: scrape configuration, rules, routes. */
  readonly config?: string;
  /** Puts into its folder what it finds there when it starts; Prometheus' blocks are in `data`. */
  readonly prepare?: (folder: string) => Promise<void>;
}

/** Starts a peer and waits until it says that it is ready. */
export async function startPeer(scope: Scope, name: PeerName, options: PeerOptions = {}): Promise<Peer> {
  const kind = kinds[name];
  const folder = makeFolder(scope, name);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = options.config ?? kind.config;
  if (config !== undefined) writeFileSync(join(folder, "config.yml"), config);
  await options.prepare?.(folder);
  const process = await startProcess(scope, {
    command: kind.command,
    args: [...kind.args(port, folder), ...(options.flags ?? [])],
    ready: async () => (await http(`${url}${kind.readyPath}`)).status === 200,
  });
  return { url, port, folder, process };
}
