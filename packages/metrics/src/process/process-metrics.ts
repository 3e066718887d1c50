/**
 * What every process can say about itself: `process_*` (process-stats.ts) and `nodejs_*` (nodejs-stats.ts), under the names
 * that VictoriaMetrics and prom-client have made common, so that existing dashboards find them.
 */
import type { Family } from "../exposition/family.ts";
import { writeText } from "../exposition/text-format.ts";
import { FamilyList } from "./family-list.ts";
import { NodejsStats } from "./nodejs-stats.ts";
import { collectProcessStats } from "./process-stats.ts";

let nodejsStats: NodejsStats | null = null;

/**
 * Starts observing the event loop and the garbage collector. The first {@link collectProcessMetrics} does it too; call
 * this at start-up to miss nothing. Keeps no process alive.
 */
export function startProcessMetrics(): void {
  nodejsStats ??= new NodejsStats();
}

/** The process's own metrics. What a platform does not tell is left out. Never throws. */
export function collectProcessMetrics(): Family[] {
  startProcessMetrics();
  const list = new FamilyList();
  (nodejsStats as NodejsStats).collect(list);
  collectProcessStats(list);
  return list.families;
}

/** The process's own metrics in Prometheus text format, without metadata. Never throws. */
export function writeProcessMetrics(): string {
  return writeText(collectProcessMetrics(), { metadata: false });
}
