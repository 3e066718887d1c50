/**
 * What a process costs, seen from outside: CPU of all its threads and children, memory, bytes in its folder.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Linux counts CPU time in hundredths of a second for everybody who reads /proc. */
const ticksPerSecond = 100;

/** Seconds of CPU used so far by a process, its threads, and its children, dead ones included. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const id of [pid, ...descendantsOf(pid)]) {
    try {
      // Fields after the name, which may contain spaces: utime, stime, cutime, cstime are 12th to 15th.
      const stat = readFileSync(`/proc/${id}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      for (const i of [11, 12, 13, 14]) ticks += Number(fields[i]);
    } catch {
      // Ended between the two reads; its time is in its parent's by now.
    }
  }
  return ticks / ticksPerSecond;
}

function descendantsOf(pid: number): number[] {
  const found: number[] = [];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").trim();
      for (const child of children === "" ? [] : children.split(" ")) {
        found.push(Number(child), ...descendantsOf(Number(child)));
      }
    }
  } catch {
    // A thread ended meanwhile.
  }
  return found;
}

/**
 * Waits until the process has used less than 3 % of a core in every second of the last `idleSeconds`.
 * @returns seconds of CPU it has used so far; what it uses afterwards is nobody's load
 * @throws Error when it is still busy after `secondsMax`
 */
export async function waitUntilIdle(pid: number, idleSeconds: number, secondsMax = 300): Promise<number> {
  let before = cpuSeconds(pid);
  let quiet = 0;
  for (let second = 0; second < secondsMax; second++) {
    await sleep(1000);
    const now = cpuSeconds(pid);
    quiet = now - before <= 0.03 ? quiet + 1 : 0;
    before = now;
    if (quiet >= idleSeconds) return now;
  }
  throw new Error(`process ${pid} is still busy after ${secondsMax} s`);
}

/** Sizes of all files below a folder, in bytes. */
export function folderBytes(folder: string): number {
  let total = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += folderBytes(path);
    else total += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return total;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
