/**
 * How long this container's processes waited for CPU, memory and disk, as Linux tells in its cgroup's pressure files:
 *
 *   some avg10=0.00 avg60=0.00 avg300=0.00 total=12345      at least one waited; microseconds
 *   full avg10=0.00 avg60=0.00 avg300=0.00 total=1234       all of them did
 */
import { readFileSync } from "node:fs";

const KINDS = [
  [/^some .*total=(\d+)$/m, "waiting"],
  [/^full .*total=(\d+)$/m, "stalled"],
] as const;

/** Prometheus' text format; "" where the system does not tell. */
export function writePressure(folder: string = "/sys/fs/cgroup"): string {
  let lines = "";
  for (const resource of ["cpu", "memory", "io"]) {
    let text: string;
    try {
      text = readFileSync(`${folder}/${resource}.pressure`, "utf8");
    } catch {
      // Not Linux, an old kernel, cgroup v1, or the pressure is not ours to know.
      continue;
    }
    for (const [line, name] of KINDS) {
      const total = line.exec(text)?.[1];
      if (total !== undefined) lines += `process_pressure_${resource}_${name}_seconds_total ${Number(total) / 1e6}\n`;
    }
  }
  return lines;
}
