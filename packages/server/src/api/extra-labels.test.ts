import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "@nyanza/tsdb";
import { RequestArguments } from "../http/arguments.ts";
import { getExtraLabels, parsePushgatewayPath } from "./extra-labels.ts";

test("getExtraLabels", () => {
  const get = (search: string) => getExtraLabels(new RequestArguments(new URLSearchParams(search)));
  assert.deepEqual(get("extra_label=a=b&extra_label=c=d=e&extra_label=a=z"), [
    ["a", "z"],
    ["c", "d=e"],
  ]);
  assert.deepEqual(get(""), []);
  assert.throws(() => get("extra_label=a"), InputError);
  assert.throws(() => get("extra_label==a"), InputError);
});

test("parsePushgatewayPath", () => {
  const same = (rest: string, labels: [string, string][]) => assert.deepEqual(parsePushgatewayPath(rest), labels, rest);
  same("job/backup", [["job", "backup"]]);
  same("job/backup/instance/a/", [
    ["job", "backup"],
    ["instance", "a"],
  ]);
  same("job@base64/L3Zhci90bXA/empty/", [["job", "/var/tmp"]]);
  same("job/x/path@base64/L3Zhcg==", [
    ["job", "x"],
    ["path", "/var"],
  ]);
  for (const rest of ["", "instance/a", "job", "job/a/instance", "job/a//b", "job@base64/§"]) {
    assert.throws(() => parsePushgatewayPath(rest), InputError, rest);
  }
});
