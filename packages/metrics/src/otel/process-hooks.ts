/** What happens to metrics when a process ends: the last values are pushed first. */

export interface ProcessHooks {
  /** Called once, when the process has nothing left to do; null: not wanted. */
  readonly onIdle: (() => Promise<void>) | null;
  /** Called at SIGTERM and SIGINT; null leaves signals alone. */
  readonly onSignal: (() => Promise<void>) | null;
}

const SIGNALS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"];

/**
 * Hooks into the process's end; the function returned unhooks.
 *
 * A handler for a signal takes away what the signal does by itself, so afterwards the signal is sent again: with nobody else
 * listening the process ends as it would have. An application that listens decides itself, and so keeps its exit code.
 */
export function hookProcess({ onIdle, onSignal }: ProcessHooks): () => void {
  const idle = (): void => void onIdle?.();
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    await onSignal?.();
    unhook();
    if (process.listenerCount(name) === 0) process.kill(process.pid, name);
  };
  const handle = (name: NodeJS.Signals): void => void signal(name);
  const unhook = (): void => {
    process.off("beforeExit", idle);
    for (const name of SIGNALS) process.off(name, handle);
  };
  if (onIdle !== null) process.once("beforeExit", idle);
  if (onSignal !== null) for (const name of SIGNALS) process.on(name, handle);
  return unhook;
}
