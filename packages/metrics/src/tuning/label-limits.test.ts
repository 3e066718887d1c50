import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes } from "./attributes.ts";
import { CardinalityLimiter } from "./cardinality-limiter.ts";
import { LabelLimits } from "./label-limits.ts";

test("limited labels are folded, others stay", () => {
  const limits = new LabelLimits({ path: { maxValues: 1 }, code: new CardinalityLimiter({ allow: ["200"] }) });
  const first = { method: "GET", path: "/a", code: 200 };
  assert.equal(limits.fold(first), first, "the same object if nothing changed");
  const second = { method: "PUT", path: "/b", code: 201 };
  assert.deepEqual(limits.fold(second), { method: "PUT", path: "other", code: "other" });
  assert.deepEqual(second, { method: "PUT", path: "/b", code: 201 });
  assert.deepEqual(limits.fold({}), {});
  assert.equal(limits.stats().get("path")?.overflowed, 1);
  assert.equal(limits.stats().get("code")?.refused, 1);
});

test("odd attributes", () => {
  const limits = new LabelLimits({ path: { maxValues: 9, maxLength: 9 }, constructor: {} });
  const cyclic: unknown[] = [];
  cyclic.push({ toString: null });
  const folds = (path: unknown, folded: unknown) =>
    assert.deepEqual(limits.fold({ path } as Attributes), { path: folded });
  folds(["a", "b"], "a,b");
  folds(cyclic, "");
  folds({}, "");
  folds(Symbol("s"), "");
  folds(true, true);
  folds(undefined, undefined);
  folds(null, null);
  folds("0123456789", "012345678");
  assert.equal(limits.fold(undefined as unknown as Attributes), undefined);
  const throws = {
    get path(): string {
      throw new Error("no");
    },
  };
  const { proxy, revoke } = Proxy.revocable<Attributes>({}, {});
  revoke();
  for (const attributes of [throws, proxy]) assert.deepEqual(limits.fold(attributes), {});
  const own = JSON.parse(`{"__proto__":"p","path":"0123456789"}`) as Attributes;
  assert.deepEqual(Object.entries(limits.fold(own)), [
    ["__proto__", "p"],
    ["path", "012345678"],
  ]);
  assert.throws(() => new LabelLimits({ ["__proto__"]: {} }), /no label/);
});
