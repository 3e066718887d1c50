import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findPlace, makePlace, sweepPlaces } from "./group-place.ts";
import { identifyProcess, isProcessGone } from "./process-identity.ts";

const posix = { skip: process.platform === "win32" };

test("a process has not gone, a reused pid has", () => {
  const self = identifyProcess(process.pid);
  assert.equal(isProcessGone(self), false);
  assert.equal(isProcessGone({ pid: 2 ** 22 + 1, startTime: "" }), true);
  if (process.platform === "linux") assert.equal(isProcessGone({ ...self, startTime: "1" }), true);
});

test("where a group meets", () => {
  const pm2 = (name: string, mode = "fork_mode") => ({ pm_id: "0", exec_mode: mode, name, namespace: "default" });
  const place = (env: NodeJS.ProcessEnv, name?: string) => findPlace({ name }, env).directory;
  assert.equal(place({}), place({}));
  assert.notEqual(place({}), place({}, "other"));
  assert.ok(place({}).includes(`${process.pid}-`), "alone: its own pid");
  assert.ok(place(pm2("app")).includes(`${process.ppid}-`), "under PM2: the daemon's");
  assert.notEqual(place(pm2("app")), place(pm2("api")));
  assert.equal(place(pm2("app", "cluster_mode")), place({}), "started by something PM2 started");
  assert.equal(
    findPlace({ directory: "/x" }, { NYANZA_METRICS_DIR: "/y" }).base,
    findPlace({ directory: "/x" }, {}).base,
  );
  assert.ok(place({ NYANZA_METRICS_DIR: join("/y", "z") }).startsWith(join("/y", "z")));
  assert.equal(findPlace({ directory: "/x" }).isPrimarys, false);
});

test("where no directory can be made, an error says so", { skip: process.platform !== "linux" }, () => {
  for (const directory of ["/proc/nope/deep", "/dev/null/x", `/tmp/${"x".repeat(300)}`]) {
    assert.throws(
      () => makePlace(findPlace({ directory })),
      /^Error: directory of the process group .*: cannot be made: E/,
    );
  }
});

test("only a directory that is its owner's alone is entered", posix, () => {
  const folder = mkdtempSync(join(tmpdir(), "nyanza-place-"));
  try {
    const place = findPlace({ directory: join(folder, "new", "deep") });
    makePlace(place);
    makePlace(place);
    chmodSync(place.base, 0o770);
    assert.throws(() => makePlace(place), /want a directory only its owner may enter, got mode 770; name another one/);
    rmSync(place.base, { recursive: true });
    symlinkSync(folder, place.base);
    assert.throws(() => makePlace(place), /got something else/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("directories of parents that have ended are swept, others not, and nothing through links", posix, () => {
  const folder = mkdtempSync(join(tmpdir(), "nyanza-sweep-"));
  try {
    const place = findPlace({ directory: folder });
    makePlace(place);
    const gone = 2 ** 22 + 1;
    const names = [`${gone}-1-00000000`, `${gone}-2-00000000`, `${process.pid}--00000000`, `${gone}`, "group-12345678"];
    for (const name of names) mkdirSync(join(place.base, name));
    mkdirSync(join(folder, "outside"));
    symlinkSync(join(folder, "outside"), join(place.base, names[0] as string, "link"));
    const nowMs = Date.now() + 3_600_000;
    mkdirSync(join(place.base, names[1] as string, "young"));
    utimesSync(join(place.base, names[1] as string, "young"), nowMs / 1000, nowMs / 1000);
    sweepPlaces(place, nowMs);
    const left = readdirSync(place.base).filter((name) => names.includes(name));
    assert.deepEqual(left.sort(), names.slice(1).sort());
    assert.ok(existsSync(join(folder, "outside")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
