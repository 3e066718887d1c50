/**
 * `stats=`: what Prometheus tells of a query. `all` tells of every step, which Prometheus does only when started with
 * --enable-feature=promql-per-step-stats; any other text tells of the sums.
 *
 *   "stats":{"timings":{"evalTotalTime":0.012,…},"samples":{"totalQueryableSamplesPerStep":[[1700000000,3],…],"totalQueryableSamples":12,
 *   "peakSamples":5}}
 */
import type { EvaluationStats } from "@nyanza/tsdb";

/** The member `stats` of an answer's data. Waiting for a turn is part of executing a query, but not of evaluating it. */
export function printStats(evaluation: EvaluationStats, queuedMs: number, hasSteps: boolean): string {
  const { evaluationMs, peakSamples, preparationMs, samples, samplesPerStep, sortMs, stepTimestamps } = evaluation;
  const evalMs = preparationMs + evaluationMs + sortMs;
  const steps = [...samplesPerStep].map((count, k) => [(stepTimestamps[k] as number) / 1000, count]);
  return JSON.stringify({
    timings: {
      evalTotalTime: seconds(evalMs),
      resultSortTime: seconds(sortMs),
      queryPreparationTime: seconds(preparationMs),
      innerEvalTime: seconds(evaluationMs),
      execQueueTime: seconds(queuedMs),
      execTotalTime: seconds(queuedMs + evalMs),
    },
    samples: {
      ...(hasSteps ? { totalQueryableSamplesPerStep: steps } : {}),
      totalQueryableSamples: samples,
      peakSamples,
    },
  });
}

/** To the microsecond. */
function seconds(ms: number): number {
  return Math.round(Math.max(0, ms) * 1000) / 1e6;
}
