/**
 * `nodejs_active_*`: what keeps the event loop busy at this moment, by type. Handles (sockets, servers, pipes) and requests (a file being
 * read) are libuv's words and come from two functions of Node that are not documented but that every client has used for
 * years; resources are the documented successor of both, and know timers too.
 */
import type { Sample } from "../exposition/family.ts";
import { formatLabel } from "../exposition/labels.ts";
import type { FamilyList } from "./family-list.ts";

interface UndocumentedProcess {
  readonly _getActiveHandles?: () => readonly unknown[];
  readonly _getActiveRequests?: () => readonly unknown[];
}

export function collectActiveResources(list: FamilyList): void {
  const { _getActiveHandles: handles, _getActiveRequests: requests } = process as unknown as UndocumentedProcess;
  addCounts(list, "handles", "libuv handles", () => handles?.call(process).map(classOf));
  addCounts(list, "requests", "libuv requests", () => requests?.call(process).map(classOf));
  addCounts(list, "resources", "resources that keep the event loop alive", () => process.getActiveResourcesInfo());
}

/** Left out where Node does not tell. */
function addCounts(
  list: FamilyList,
  what: string,
  description: string,
  read: () => readonly string[] | undefined,
): void {
  let types: readonly string[] | undefined;
  try {
    types = read();
  } catch {
    return;
  }
  if (types === undefined) return;
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  const samples = [...counts]
    .sort()
    .map(([type, value]): Sample => ({ suffix: "", labels: formatLabel("type", type), value }));
  list.addFamily(`nodejs_active_${what}`, "gauge", `Active ${description}, by type.`, samples);
  list.add(`nodejs_active_${what}_total`, "gauge", `Active ${description}, of all types.`, types.length);
}

function classOf(handle: unknown): string {
  const name: unknown = (handle as { readonly constructor?: { readonly name?: unknown } } | null)?.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "unknown";
}
