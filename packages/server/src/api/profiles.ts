/**
 * /debug/pprof/: what this process spends its time and its memory on, for those who look into a slow server.
 *
 *   profile?seconds=30     where the main thread and the query workers are: pprof's format, or one thread in V8's with format=cpuprofile
 *   heap                   every object of JavaScript's heap: V8's .heapsnapshot, for a browser's developer tools
 *
 * One at a time. Both cost something while they are taken: docs/UNDER-LOAD.md says what.
 */
import { getHeapSnapshot } from "node:v8";
import { InputError } from "@nyanza/tsdb";
import { quote } from "../http/arguments.ts";
import type { Handlers, RequestContext } from "../http/context.ts";
import { OverloadError } from "../http/errors.ts";
import { StreamedAnswer, sendBody } from "../http/response.ts";
import { type CpuProfile, takeCpuProfile, type WatchedThread } from "../process/cpu-profile.ts";
import type { Logger } from "../process/logger.ts";
import { encodePprof, type ThreadProfile } from "../process/pprof.ts";

export interface ProfilesOptions {
  /** Whether one has to prove to be somebody to get here. Asked for at each request: secrets in files change. */
  readonly isProtected: () => boolean;
  /** Beside the main thread. */
  readonly threads: () => readonly WatchedThread[];
  readonly logger: Logger;
}

const SECONDS = 30;
const SECONDS_MAX = 300;

const MAIN: WatchedThread = { name: "main", watch: takeCpuProfile };

const INDEX = `/debug/pprof/profile?seconds=${SECONDS}  CPU profile of the main thread and the query workers, for go tool pprof; thread=main, query-1, … for one of them;
                                format=cpuprofile for a browser's developer tools, of the main thread unless thread says otherwise
/debug/pprof/heap                JavaScript's heap, for a browser's developer tools; the server stands still while it is taken
`;

export function createProfileHandlers(
  options: ProfilesOptions,
): Pick<Handlers, "profiles" | "cpuProfile" | "heapSnapshot"> {
  const { isProtected, logger } = options;
  /** When the one that is being taken should be done, milliseconds since 1970; 0 if there is none. */
  let busyUntilMs = 0;
  const alone = async (seconds: number, work: () => Promise<void>): Promise<void> => {
    if (busyUntilMs > 0) {
      const leftSeconds = Math.max(1, Math.ceil((busyUntilMs - Date.now()) / 1000));
      throw new OverloadError(429, "another profile or heap snapshot is being taken: one at a time", leftSeconds);
    }
    busyUntilMs = Date.now() + seconds * 1000;
    try {
      await work();
    } finally {
      busyUntilMs = 0;
    }
  };
  return {
    profiles: ({ request, response }) =>
      sendBody(request, response, { contentType: "text/plain; charset=utf-8" }, INDEX),
    cpuProfile: async (context) => {
      const { args } = context;
      const seconds = args.getInteger("seconds", SECONDS);
      if (seconds < 1 || seconds > SECONDS_MAX) {
        throw new InputError(`argument seconds: want 1 to ${SECONDS_MAX}, got ${quote(args.get("seconds"))}`);
      }
      const format = args.get("format");
      if (format !== "" && format !== "pprof" && format !== "cpuprofile") {
        throw new InputError(`argument format: want pprof, cpuprofile or none, got ${quote(format)}`);
      }
      const isV8 = format === "cpuprofile";
      const chosen = choose([MAIN, ...options.threads()], args.get("thread") || (isV8 ? MAIN.name : ""));
      await alone(seconds, async () => {
        const names = chosen.map(({ name }) => name).join(", ");
        logger.info(`taking a CPU profile of ${seconds} seconds as asked by /debug/pprof/profile: ${names}`);
        const taken = await watchAll(chosen, seconds * 1000, context.signal);
        if (isV8) send(context, "cpuprofile", "application/json", Buffer.from(JSON.stringify(taken[0]?.profile)));
        else send(context, "pprof", "application/octet-stream", encodePprof(taken, Date.now()));
      });
    },
    heapSnapshot: async (context) => {
      if (!isProtected()) {
        throw new InputError(
          "a heap snapshot shows all that is in memory, passwords included: set -pprofAuthKey or -httpAuth.username",
          403,
        );
      }
      await alone(SECONDS, () => sendHeap(context, logger));
    },
  };
}

/** The one of this name, or all of them. */
function choose(threads: readonly WatchedThread[], name: string): readonly WatchedThread[] {
  const chosen = name === "" ? threads : threads.filter((thread) => thread.name === name);
  if (chosen.length > 0) return chosen;
  const names = threads.map((thread) => thread.name).join(", ");
  throw new InputError(
    `argument thread: want ${names} or none, got ${quote(name)}; query workers are started when they are wanted`,
  );
}

async function watchAll(
  threads: readonly WatchedThread[],
  durationMs: number,
  signal: AbortSignal,
): Promise<ThreadProfile[]> {
  const profiles = await Promise.all(threads.map((thread) => thread.watch(durationMs, signal)));
  const taken: ThreadProfile[] = [];
  profiles.forEach((profile: CpuProfile | null, i) => {
    if (profile !== null) taken.push({ thread: (threads[i] as WatchedThread).name, profile });
  });
  if (taken.length === 0) throw new OverloadError(503, "the thread ended while it was watched", 1);
  return taken;
}

async function sendHeap(context: RequestContext, logger: Logger): Promise<void> {
  const startMs = performance.now();
  const snapshot = getHeapSnapshot();
  const tookMs = performance.now() - startMs;
  logger.info(`took a heap snapshot in ${(tookMs / 1000).toFixed(3)} seconds as asked by /debug/pprof/heap`);
  try {
    const answer = new StreamedAnswer(context, {
      contentType: "application/json",
      headers: attachment("heapsnapshot"),
    });
    for await (const piece of snapshot as AsyncIterable<Buffer | string>) await answer.write(Buffer.from(piece));
    await answer.end(Buffer.alloc(0));
  } finally {
    snapshot.destroy();
  }
}

function send({ request, response }: RequestContext, ending: string, contentType: string, body: Buffer): void {
  sendBody(request, response, { contentType, headers: attachment(ending) }, body);
}

/** `nyanza-2026-01-02T03-04-05Z.pprof` */
function attachment(ending: string): Record<string, string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return { "Content-Disposition": `attachment; filename="nyanza-${time}Z.${ending}"` };
}
