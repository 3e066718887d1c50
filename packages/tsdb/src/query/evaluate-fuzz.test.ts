import { test } from "node:test";
import { fuzz } from "./evaluate.fuzz.ts";

test("whatever the query, an answer or an InputError comes of it", { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 300; seed++) await fuzz(seed);
});
