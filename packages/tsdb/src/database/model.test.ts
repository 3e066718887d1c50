/**
 * Random programs against a model: whatever is written, flushed, merged, crashed and reopened in whatever order, the database answers what plain
 * maps answer. A third of the programs run on a disk whose calls fail now and then, another third with rules for deduplication, downsampling and retention.
 *
 *     NYANZA_PROGRAMS=100000 NYANZA_SEED=7 node tools/dist/test.js database/model
 *
 * tests/system/trials/model.test.ts runs thousands. A program that fails is cut down, printed, and belongs into testing/known-programs.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KNOWN_PROGRAMS } from "./testing/known-programs.ts";
import { drawProgram, PROGRAM_KINDS, type Program, printProgram, runProgram, shrink } from "./testing/program.ts";

const programs = Number(process.env["NYANZA_PROGRAMS"] ?? 200);
const firstSeed = Number(process.env["NYANZA_SEED"] ?? 1);

async function judge(program: Program, what: string): Promise<void> {
  try {
    await runProgram(program);
  } catch {
    const small = await shrink(program);
    const error = await runProgram(small).then(
      () => new Error("it did not fail again"),
      (failure: Error) => failure,
    );
    assert.fail(`${what}: ${error.message}\n${printProgram(small)}\n${error.stack}`);
  }
}

test("programs that failed once", async () => {
  for (const { why, program } of KNOWN_PROGRAMS) await judge(program, why);
});

for (const kind of PROGRAM_KINDS) {
  const count = Math.ceil(programs / PROGRAM_KINDS.length);
  test(`${count} random programs: ${kind}`, async () => {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      await judge(drawProgram(seed, kind), `seed ${seed}, ${kind}`);
    }
  });
}
