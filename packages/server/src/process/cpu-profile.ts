/** What this thread does, as V8 sees it: which function it is in, a thousand times a second. Other threads are asked themselves. */
import { type Profiler, Session } from "node:inspector";

/** Nodes of a tree of calls, and which of them was seen when: what a .cpuprofile file holds. */
export type CpuProfile = Profiler.Profile;

/** A thread of which a profile can be had. */
export interface WatchedThread {
  readonly name: string;
  /** Null if it ends meanwhile. @throws the signal's reason */
  watch(durationMs: number, signal: AbortSignal): Promise<CpuProfile | null>;
}

const INTERVAL_US = 1000;
/** Longer timers fire at once in Node; nobody asks for such. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * Watches for so long. Starting costs some tenths of a second, in which V8 looks at all code there is, and watching a few percent.
 * @throws the signal's reason when it is aborted before
 */
export async function takeCpuProfile(durationMs: number, signal: AbortSignal): Promise<CpuProfile> {
  signal.throwIfAborted();
  const session = new Session();
  session.connect();
  try {
    await post(session, "Profiler.enable");
    await post(session, "Profiler.setSamplingInterval", { interval: INTERVAL_US });
    await post(session, "Profiler.start");
    await pause(Math.min(durationMs, TIMER_MAX_MS), signal);
    return (await post(session, "Profiler.stop")).profile;
  } finally {
    // Ends a profile that was not stopped, too.
    session.disconnect();
  }
}

function post(session: Session, method: string, parameters: object = {}): Promise<{ profile: CpuProfile }> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => {
      if (error === null) resolve(result as { profile: CpuProfile });
      else reject(error);
    });
  });
}

/** Rejects with the signal's reason. Not that of node:timers/promises, which rejects with an error of its own. */
function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, durationMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
