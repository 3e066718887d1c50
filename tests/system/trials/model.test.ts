/**
 * The database's model test in its full size, as a process of its own; packages/tsdb/src/database/model.test.ts says what it does.
 *
 *     NYANZA_PROGRAMS=100000 NYANZA_SEED=7 npm run test:system -- trials/model
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../support/nyanza.ts";
import { runCommand } from "../support/process.ts";
import { scoped } from "../support/scope.ts";
import { report, sizeOf, trialMsMax } from "../support/trial.ts";

const programs = sizeOf("NYANZA_PROGRAMS", 2_000);
const seed = sizeOf("NYANZA_SEED", 1);

test(
  `${programs} random programs against the model`,
  { timeout: trialMsMax },
  scoped(async (scope) => {
    const file = join(projectRoot, "packages/tsdb/dist/database/model.test.js");
    // Half of them in each of two processes.
    const share = Math.ceil(programs / 2);
    const run = async (firstSeed: number): Promise<void> => {
      const env = { NYANZA_PROGRAMS: String(share), NYANZA_SEED: String(firstSeed) };
      const { code, output } = await runCommand(scope, process.execPath, ["--enable-source-maps", file], { env });
      assert.equal(code, 0, output);
    };
    await Promise.all([run(seed), run(seed + share)]);
    report(
      "model",
      `${programs} programs, a third of them on a failing disk, a third with rules`,
      "every answer as the model's",
    );
  }),
);
