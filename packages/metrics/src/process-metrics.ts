/**
 * What every process can say about itself: `process_*` (process-stats.ts) and `nodejs_*` (nodejs-stats.ts), under the names
 * that VictoriaMetrics and prom-client have made common, so that existing dashboards find them.
 */
import { NodejsStats } from "./nodejs-stats.ts";
import { writeProcessStats } from "./process-stats.ts";

let nodejsStats: NodejsStats | null = null;

/**
 * Starts observing the event loop and the garbage collector. The first {@link writeProcessMetrics} does it too; call
 * this at start-up to miss nothing. Keeps no process alive.
 */
export function startProcessMetrics(): void {
  nodejsStats ??= new NodejsStats();
}

/** The process's own metrics in Prometheus text format. What a platform does not tell is left out. Never throws. */
export function writeProcessMetrics(): string {
  startProcessMetrics();
  const lines: string[] = [];
  (nodejsStats as NodejsStats).write(lines);
  writeProcessStats(lines);
  return `${lines.join("\n")}\n`;
}
