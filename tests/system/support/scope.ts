/**
 * A scope ends what was started in it, last first, also when the code in it throws: processes before the folders
 * they write to.
 *
 *     test("restart", scoped(async (scope) => {
 *       const folder = makeFolder(scope);
 *       const server = await startNyanza(scope, { folder });
 *     }));
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Scope {
  private readonly endings: (() => void | Promise<void>)[] = [];

  /** `ending` runs when the scope ends, before those that were given earlier. */
  onEnd(ending: () => void | Promise<void>): void {
    this.endings.push(ending);
  }

  /** Runs every ending even if one throws; throws the first error then. */
  async end(): Promise<void> {
    const errors: unknown[] = [];
    for (let ending = this.endings.pop(); ending !== undefined; ending = this.endings.pop()) {
      try {
        await ending();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** Runs `body` with a scope that ends with it. */
export async function withScope<T>(body: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = new Scope();
  try {
    return await body(scope);
  } finally {
    await scope.end();
  }
}

/** `body` as node:test wants it. */
export function scoped(body: (scope: Scope) => Promise<void>): () => Promise<void> {
  return () => withScope(body);
}

/** A new folder that lasts as long as the scope. */
export function makeFolder(scope: Scope, name = "data"): string {
  const folder = mkdtempSync(join(tmpdir(), `nyanza-${name}-`));
  scope.onEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 }));
  return folder;
}
