/**
 * The server as its users start it: a child process of `packages/server/bin/nyanza.js`, spoken to over HTTP.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { http } from "./http.ts";
import { freePort, type RunningProcess, startProcess } from "./process.ts";
import { makeFolder, type Scope } from "./scope.ts";

export const projectRoot: string = join(dirname(fileURLToPath(import.meta.url)), "../../../..");
export const nyanzaProgram: string = join(projectRoot, "packages/server/bin/nyanza.js");
/** What `asModules` starts, and how its packages are found. */
const moduleProgram = join(projectRoot, "packages/server/dist/main.js");
const MODULE_OPTIONS = "--conditions=nyanza-modules";

/**
 * Another program that takes the same flags, to try a test itself: with NYANZA_TEST_PROGRAM=/usr/bin/victoria-metrics a
 * test of what we share with VictoriaMetrics must pass too.
 */
export const otherProgram: string | undefined = process.env["NYANZA_TEST_PROGRAM"];

export interface NyanzaOptions {
  /** Beside `-storageDataPath`, `-httpListenAddr` and `-retentionPeriod=100y`; a flag given here wins over those. */
  readonly flags?: readonly string[];
  /** Data folder; a fresh one that lasts as long as the scope when not given. */
  readonly folder?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** For node itself. */
  readonly nodeFlags?: readonly string[];
  /** The modules as they were compiled, not their bundles: who looks into the process finds source files. */
  readonly asModules?: boolean;
}

export interface Nyanza {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly process: RunningProcess;
}

/** Starts the server and waits until `/-/ready` says so: the log is replayed then. */
export async function startNyanza(scope: Scope, options: NyanzaOptions = {}): Promise<Nyanza> {
  const folder = options.folder ?? makeFolder(scope);
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const flags = nyanzaFlags(folder, port, options.flags);
  const { asModules = false, nodeFlags = [] } = options;
  const env = asModules ? { ...options.env, NODE_OPTIONS: MODULE_OPTIONS } : options.env;
  const process_ = await startProcess(scope, {
    command: otherProgram ?? process.execPath,
    args: otherProgram === undefined ? [...nodeFlags, asModules ? moduleProgram : nyanzaProgram, ...flags] : flags,
    ...(env === undefined ? {} : { env }),
    ready: async () => (await http(`${url}/-/ready`)).status === 200,
  });
  return { url, port, folder, process: process_ };
}

/** Flags of a test's server. A flag in `more` replaces the one with its name. */
export function nyanzaFlags(folder: string, port: number, more: readonly string[] = []): string[] {
  const named = (flag: string): string => flag.replace(/^--?/, "").split("=")[0] as string;
  const given = new Set(more.map(named));
  const standard = [`-storageDataPath=${folder}`, `-httpListenAddr=127.0.0.1:${port}`, "-retentionPeriod=100y"];
  if (otherProgram !== undefined) standard.push("-search.latencyOffset=0s");
  return [...standard.filter((flag) => !given.has(named(flag))), ...more];
}
