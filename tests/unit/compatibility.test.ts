/** docs/COMPATIBILITY.md is what the lists say now, and no difference of the HTTP API is in the lists without a request that shows it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makePage, pagePath } from "../compatibility/page.ts";
import { API_DIFFERENCES } from "../system/support/api-differences.ts";

const systemFolder = fileURLToPath(new URL("../../system", import.meta.url));

test("the page of compatibility is up to date", () => {
  assert.equal(readFileSync(pagePath, "utf8"), makePage(), "run npm run compatibility");
});

test("every difference of the API is shown by a request", () => {
  const files = readdirSync(systemFolder).filter((file) => /^api-differential-.*\.test\.ts$/.test(file));
  assert.ok(files.length > 0);
  const text = [...files, "support/api-rows.ts"].map((file) => readFileSync(join(systemFolder, file), "utf8")).join("");
  const unused = Object.keys(API_DIFFERENCES).filter(
    (name) => !new RegExp(`\\bAPI(?:_DIFFERENCES)?\\.${name}\\b`).test(text),
  );
  assert.deepEqual(unused, []);
});
