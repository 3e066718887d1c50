import { test } from "node:test";
import { fuzz } from "./parse.fuzz.ts";

test("whatever the text, parsePromql answers a tree or an InputError, in time", () => {
  for (let seed = 1; seed <= 1500; seed++) fuzz(seed);
});
