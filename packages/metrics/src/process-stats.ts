/**
 * `process_*`: what the operating system knows about this process. Times and memory come from Node and exist everywhere;
 * the rest is read from /proc and left out where there is none.
 */
import { readdirSync, readFileSync } from "node:fs";
import { writeSample } from "./exposition.ts";

/** Lines of /proc/self/status (values in kB) and the metrics made of them. */
const MEMORY_LINES: readonly (readonly [string, string])[] = [
  ["VmSize", "process_virtual_memory_bytes"],
  ["VmPeak", "process_virtual_memory_peak_bytes"],
  ["RssAnon", "process_resident_memory_anon_bytes"],
  ["RssFile", "process_resident_memory_file_bytes"],
  ["RssShmem", "process_resident_memory_shared_bytes"],
];

/** Lines of /proc/self/io. `rchar` and `wchar` count what passed through system calls, the last two what reached a disk. */
const IO_LINES: readonly (readonly [string, string])[] = [
  ["rchar", "process_io_read_bytes_total"],
  ["wchar", "process_io_written_bytes_total"],
  ["syscr", "process_io_read_syscalls_total"],
  ["syscw", "process_io_write_syscalls_total"],
  ["read_bytes", "process_io_storage_read_bytes_total"],
  ["write_bytes", "process_io_storage_written_bytes_total"],
];

export function writeProcessStats(lines: string[]): void {
  const usage = process.resourceUsage();
  const userSeconds = usage.userCPUTime / 1e6;
  const systemSeconds = usage.systemCPUTime / 1e6;
  writeSample(lines, "process_cpu_seconds_system_total", systemSeconds);
  writeSample(lines, "process_cpu_seconds_total", userSeconds + systemSeconds);
  writeSample(lines, "process_cpu_seconds_user_total", userSeconds);
  writeSample(lines, "process_major_pagefaults_total", usage.majorPageFault);
  writeSample(lines, "process_minor_pagefaults_total", usage.minorPageFault);
  writeSample(lines, "process_resident_memory_bytes", process.memoryUsage.rss());
  writeSample(lines, "process_resident_memory_peak_bytes", usage.maxRSS * 1024);
  writeSample(lines, "process_start_time_seconds", Math.round(performance.timeOrigin) / 1000);
  writeStatus(lines);
  writeFileDescriptors(lines);
  const io = readProcFile("io");
  for (const [field, name] of IO_LINES) writeField(lines, name, io, field, 1);
}

function writeStatus(lines: string[]): void {
  const status = readProcFile("status");
  for (const [field, name] of MEMORY_LINES) writeField(lines, name, status, field, 1024);
  writeField(lines, "process_num_threads", status, "Threads", 1);
}

function writeFileDescriptors(lines: string[]): void {
  try {
    // The listing's own descriptor is one of them while it is read.
    writeSample(lines, "process_open_fds", readdirSync("/proc/self/fd").length - 1);
  } catch {
    return;
  }
  const softLimit = /^Max open files +(\d+|unlimited)/m.exec(readProcFile("limits"))?.[1];
  if (softLimit === undefined) return;
  writeSample(lines, "process_max_fds", softLimit === "unlimited" ? Number.POSITIVE_INFINITY : Number(softLimit));
}

/** One `field: value` line of a /proc file, scaled; nothing if the kernel did not write it. */
function writeField(lines: string[], name: string, text: string, field: string, scale: number): void {
  const digits = new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(text)?.[1];
  if (digits !== undefined) writeSample(lines, name, Number(digits) * scale);
}

/** "" where there is no such file or no right to read it (io needs ptrace rights in some containers). */
function readProcFile(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, "latin1");
  } catch {
    return "";
  }
}
