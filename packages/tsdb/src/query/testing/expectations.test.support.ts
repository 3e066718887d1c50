/** What a test of the language expects of a query, one line a case: see harness.ts for the notation. */
import assert from "node:assert/strict";
import type { Harness } from "./harness.ts";

export interface Expectations {
  /** The answer at every scrape time. */
  readonly same: (query: string, ...lines: string[]) => Promise<void>;
  /** The caller's mistake, and what he is told. */
  readonly refused: (query: string, message: RegExp) => Promise<void>;
}

export function expectations(at: Harness): Expectations {
  return {
    same: async (query, ...lines) => assert.deepEqual(await at.range(query), lines, query),
    refused: async (query, message) =>
      await assert.rejects(at.range(query), (error: { code?: string; message: string }) => {
        assert.equal(error.code, "INPUT", `${query}: ${error.message}`);
        assert.match(error.message, message, query);
        return true;
      }),
  };
}
