/**
 * How much memory the server may plan with: a share of what the machine or the cgroup (v1 or v2) gives the process.
 * Node asks libuv, which reads the cgroup's files, its parents' included.
 */
import { totalmem } from "node:os";

/** Memory the process can have at most, bytes. */
export function availableMemoryBytes(): number {
  // 0 or undefined: no limit is known. Cgroup v1 without a limit answers with a number larger than any machine.
  const constrained = process.constrainedMemory() ?? 0;
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

/** What -memory.allowedBytes and -memory.allowedPercent allow of `availableBytes`. */
export function allowedMemoryBytes(allowedBytes: number, allowedPercent: number, availableBytes: number): number {
  return allowedBytes > 0 ? allowedBytes : Math.floor((availableBytes * allowedPercent) / 100);
}
