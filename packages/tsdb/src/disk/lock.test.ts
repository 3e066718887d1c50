import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { LockedError } from "./disk.ts";
import { LOCK_FILE, type LockTiming, lockFolder } from "./lock.ts";

/** The real rule, faster. */
const QUICK: LockTiming = { heartbeatMs: 10, silenceMs: 120, pollMs: 10 };
/** A process number that no system gives out. */
const NOBODY = 2 ** 31 - 1;

async function inFolder(run: (folder: string, lockFile: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-lock-"));
  try {
    await run(folder, join(folder, LOCK_FILE));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What this process would write, with some of it changed. */
async function ownerText(changes: object): Promise<string> {
  const line = await readFile("/proc/self/stat", "utf8");
  const owner = {
    pid: process.pid,
    startTicks: line.slice(line.lastIndexOf(")") + 2).split(" ")[19],
    bootId: (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim(),
    pidNamespace: await readlink("/proc/self/ns/pid"),
  };
  return JSON.stringify({ ...owner, ...changes });
}

const hasProc = process.platform === "linux";

test("the second opener is refused, and after a release the next one is not", async () => {
  await inFolder(async (folder, lockFile) => {
    const lock = await lockFolder(folder);
    await assert.rejects(lockFolder(folder), LockedError);
    await lock.release();
    assert.deepEqual(await readdir(folder), []);
    await (await lockFolder(folder)).release();
    await assert.rejects(readFile(lockFile), { code: "ENOENT" });
  });
});

test("a living owner is recognised by number and start time", { skip: !hasProc }, async () => {
  await inFolder(async (folder, lockFile) => {
    await writeFile(lockFile, await ownerText({}));
    await assert.rejects(
      lockFolder(folder),
      (error: Error) => error instanceof LockedError && error.message.includes(String(process.pid)),
    );
  });
});

test("what a dead owner left is taken over at once", { skip: !hasProc }, async () => {
  for (const changes of [{ pid: NOBODY }, { startTicks: "1" }]) {
    await inFolder(async (folder, lockFile) => {
      await writeFile(lockFile, await ownerText(changes));
      const startMs = performance.now();
      const lock = await lockFolder(folder);
      assert.ok(performance.now() - startMs < 1_000, `${JSON.stringify(changes)}: no need to wait`);
      assert.equal(JSON.parse(await readFile(lockFile, "utf8")).pid, process.pid);
      await lock.release();
      assert.deepEqual(await readdir(folder), []);
    });
  }
});

test("an owner that cannot be seen is judged by its heartbeat", { skip: !hasProc }, async () => {
  const unseen = [
    "",
    "{",
    "null",
    "[]",
    '"x"',
    await ownerText({ pidNamespace: "pid:[1]" }),
    await ownerText({ bootId: "another" }),
  ];
  const judge = async (text: string): Promise<void> =>
    await inFolder(async (folder, lockFile) => {
      await writeFile(lockFile, text);
      const beat = setInterval(() => void utimes(lockFile, new Date(), new Date()).catch(() => {}), QUICK.heartbeatMs);
      await assert.rejects(lockFolder(folder, QUICK), LockedError, `alive: ${text}`);
      clearInterval(beat);
      await (await lockFolder(folder, QUICK)).release();
    });
  await Promise.all(unseen.map(judge));
});

test("an owner shows that it lives", async () => {
  await inFolder(async (folder, lockFile) => {
    const lock = await lockFolder(folder, QUICK);
    const long = new Date(0);
    await utimes(lockFile, long, long);
    while ((await stat(lockFile)).mtimeMs === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await lock.release();
  });
});

test("of several processes that find a dead owner's lock exactly one gets the folder", { skip: !hasProc }, async () => {
  await inFolder(async (folder, lockFile) => {
    await writeFile(lockFile, await ownerText({ pid: NOBODY }));
    const program = `
      import { lockFolder } from ${JSON.stringify(new URL("./lock.js", import.meta.url).href)};
      process.stdin.once("data", async () => {
        try { await lockFolder(process.argv[1]); console.log("won"); }
        catch (error) { console.log(error.code); }
        process.stdin.once("end", () => process.exit());
      });
      console.log("ready");`;
    const racers = [1, 2, 3].map(() => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program, folder], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      return { child, line: async () => (await lines.next()).value as string };
    });
    await Promise.all(racers.map(async ({ line }) => assert.equal(await line(), "ready")));
    for (const { child } of racers) child.stdin.write("go\n");
    const verdicts = await Promise.all(racers.map(({ line }) => line()));
    assert.deepEqual(verdicts.sort(), ["LOCKED", "LOCKED", "won"]);
    await assert.rejects(lockFolder(folder), LockedError);
    for (const { child } of racers) child.stdin.end();
    await Promise.all(racers.map(({ child }) => new Promise((resolve) => child.once("close", resolve))));
    // The winner is gone without a word.
    await (await lockFolder(folder)).release();
    assert.deepEqual(await readdir(folder), []);
  });
});

test("a zombie holds nothing", { skip: !hasProc }, async () => {
  await inFolder(async (folder, lockFile) => {
    // The first sleep ends and nobody asks how: it stays a zombie as long as the shell, which has become the second one, lives.
    const parent = spawn("sh", ["-c", "sleep 0.05 & echo $!; exec sleep 5"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: parent.stdout }), "line");
    const pid = Number(line);
    const statLine = async (): Promise<string> => await readFile(`/proc/${pid}/stat`, "utf8");
    while (!(await statLine()).includes(") Z ")) await new Promise((resolve) => setTimeout(resolve, 5));
    const text = await statLine();
    const startTicks = text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
    await writeFile(lockFile, await ownerText({ pid, startTicks }));
    await (await lockFolder(folder)).release();
    parent.kill();
  });
});

test("a lock that was lost is not taken from its new owner on release", async () => {
  await inFolder(async (folder, lockFile) => {
    const lock = await lockFolder(folder);
    await writeFile(lockFile, "someone else's");
    await lock.release();
    assert.equal(await readFile(lockFile, "utf8"), "someone else's");
  });
});
