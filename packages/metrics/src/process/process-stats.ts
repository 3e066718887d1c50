/**
 * `process_*`: what the operating system knows about this process. Times and memory come from Node and exist everywhere;
 * the rest is read from /proc and left out where there is none.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { FamilyType } from "../exposition/family.ts";
import type { FamilyList } from "./family-list.ts";

type Line = readonly [field: string, name: string, type: FamilyType, help: string];

/** Lines of /proc/self/status (values in kB) and the metrics made of them. */
const MEMORY_LINES: readonly Line[] = [
  ["VmSize", "process_virtual_memory_bytes", "gauge", "Address space in use."],
  ["VmPeak", "process_virtual_memory_peak_bytes", "gauge", "Most address space ever in use."],
  ["VmData", "process_heap_bytes", "gauge", "Private writable address space: heaps, without stacks."],
  ["RssAnon", "process_resident_memory_anon_bytes", "gauge", "Resident memory that is no file's."],
  ["RssFile", "process_resident_memory_file_bytes", "gauge", "Resident memory that maps files."],
  ["RssShmem", "process_resident_memory_shared_bytes", "gauge", "Resident memory shared with other processes."],
];

/** Lines of /proc/self/io. `rchar` and `wchar` count what passed through system calls, the last two what reached a disk. */
const IO_LINES: readonly Line[] = [
  ["rchar", "process_io_read_bytes_total", "counter", "Bytes read through system calls."],
  ["wchar", "process_io_written_bytes_total", "counter", "Bytes written through system calls."],
  ["syscr", "process_io_read_syscalls_total", "counter", "System calls that read."],
  ["syscw", "process_io_write_syscalls_total", "counter", "System calls that wrote."],
  ["read_bytes", "process_io_storage_read_bytes_total", "counter", "Bytes read from storage."],
  ["write_bytes", "process_io_storage_written_bytes_total", "counter", "Bytes written to storage."],
];

export function collectProcessStats(list: FamilyList): void {
  const usage = process.resourceUsage();
  const userSeconds = usage.userCPUTime / 1e6;
  const systemSeconds = usage.systemCPUTime / 1e6;
  list.add("process_cpu_seconds_system_total", "counter", "CPU time spent in the kernel.", systemSeconds);
  list.add("process_cpu_seconds_total", "counter", "CPU time spent, user and kernel.", userSeconds + systemSeconds);
  list.add("process_cpu_seconds_user_total", "counter", "CPU time spent in user mode.", userSeconds);
  // The same again as prom-client spells it, and with it most dashboards for Node.js.
  list.add("process_cpu_system_seconds_total", "counter", "CPU time spent in the kernel.", systemSeconds);
  list.add("process_cpu_user_seconds_total", "counter", "CPU time spent in user mode.", userSeconds);
  list.add("process_major_pagefaults_total", "counter", "Page faults that read storage.", usage.majorPageFault);
  list.add("process_minor_pagefaults_total", "counter", "Page faults that read no storage.", usage.minorPageFault);
  addResidentMemory(list);
  const startSeconds = Math.round(performance.timeOrigin) / 1000;
  list.add("process_start_time_seconds", "gauge", "Start of the process, Unix time.", startSeconds, "min");
  const status = readProcFile("status");
  // Of a process that was started by a larger one, maxRSS on Linux is the larger one's.
  const peakBytes = (fieldOf(status, "VmHWM") ?? usage.maxRSS) * 1024;
  list.add("process_resident_memory_peak_bytes", "gauge", "Most memory ever resident.", peakBytes);
  for (const line of MEMORY_LINES) addField(list, line, status, 1024);
  addField(list, ["Threads", "process_num_threads", "gauge", "Threads of the process."], status, 1);
  addFileDescriptors(list);
  const io = readProcFile("io");
  for (const line of IO_LINES) addField(list, line, io, 1);
}

/** A process that is out of descriptors cannot be told: then the other metrics are needed most. */
function addResidentMemory(list: FamilyList): void {
  let bytes: number;
  try {
    bytes = process.memoryUsage.rss();
  } catch {
    return;
  }
  list.add("process_resident_memory_bytes", "gauge", "Resident memory: what of the process lies in RAM.", bytes);
}

function addFileDescriptors(list: FamilyList): void {
  try {
    // The listing's own descriptor is one of them while it is read.
    const openCount = readdirSync("/proc/self/fd").length - 1;
    list.add("process_open_fds", "gauge", "Open file descriptors.", openCount);
  } catch {
    return;
  }
  const softLimit = /^Max open files +(\d+|unlimited)/m.exec(readProcFile("limits"))?.[1];
  if (softLimit === undefined) return;
  const count = softLimit === "unlimited" ? Number.POSITIVE_INFINITY : Number(softLimit);
  list.add("process_max_fds", "gauge", "Most file descriptors that may be open.", count);
}

/** One `field: value` line of a /proc file, scaled; nothing if the kernel did not write it. */
function addField(list: FamilyList, [field, name, type, help]: Line, text: string, scale: number): void {
  const value = fieldOf(text, field);
  if (value !== null) list.add(name, type, help, value * scale);
}

function fieldOf(text: string, field: string): number | null {
  const digits = new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** "" where there is no such file or no right to read it (io needs ptrace rights in some containers). */
function readProcFile(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, "latin1");
  } catch {
    return "";
  }
}
