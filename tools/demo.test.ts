import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDemoArgs } from "./demo.ts";

test("demo: its arguments", () => {
  const same = (text: string, options: object | null) =>
    assert.deepEqual(parseDemoArgs(text.split(" ").filter(Boolean)), options, text);
  same("", { port: null, seconds: null });
  same("--port=9000 --seconds=30", { port: 9000, seconds: 30 });
  same("--port 9000", { port: 9000, seconds: null });
  same("--help --port=9000", null);
  const refused = (text: string, message: RegExp) => assert.throws(() => parseDemoArgs(text.split(" ")), message, text);
  refused("--port=0", /--port wants a whole number from 1 to 65535, got "0"/);
  refused("--port=8e3", /--port/);
  refused("--seconds=-1", /--seconds/);
  refused("--seconds=", /--seconds/);
  refused("--sceonds=3", /--sceonds/);
  refused("now", /now/);
});
