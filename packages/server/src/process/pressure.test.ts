import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writePressure } from "./pressure.ts";

test("pressure files become seconds; what is not there is left out", () => {
  const folder = mkdtempSync(join(tmpdir(), "pressure-"));
  try {
    assert.equal(writePressure(folder), "");
    writeFileSync(
      join(folder, "io.pressure"),
      "some avg10=0.10 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
    );
    writeFileSync(join(folder, "cpu.pressure"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
    assert.equal(
      writePressure(folder),
      "process_pressure_cpu_waiting_seconds_total 0.000007\nprocess_pressure_io_waiting_seconds_total 2.5\nprocess_pressure_io_stalled_seconds_total 0.000001\n",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
