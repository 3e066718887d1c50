/**
 * Measuring only some of what happens, where each measurement costs too much.
 *
 * | sampler | which | afterwards |
 * |---|---|---|
 * | `ProbabilitySampler` | each with probability `rate` | multiply by `1 / rate` in the query, or only look at averages and quantiles |
 * | `NthSampler` | the n-th, 2n-th, … | the same; beware of what repeats every n calls |
 * | `WeightedSampler` | each with probability `rate`, and says how many it stands for | nothing: the sums are right |
 */

/** Each call is sampled with probability `rate`, independently of the others. */
export class ProbabilitySampler {
  readonly rate: number;
  readonly #random: () => number;

  /**
   * @param rate 0 to 1
   * @throws RangeError if it is not
   */
  constructor(rate: number, options: SamplerOptions = {}) {
    this.rate = checkRate(rate);
    this.#random = options.random ?? Math.random;
  }

  shouldSample(): boolean {
    return this.rate === 1 || this.#random() < this.rate;
  }
}

/** The last of each `n` calls is sampled: the n-th, the 2n-th and so on, as in the Go guide. `n` of 1 samples all. */
export class NthSampler {
  readonly n: number;
  #count = 0;

  /** @throws RangeError if `n` is no whole number from 1 */
  constructor(n: number) {
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`sampler: n is ${String(n)}, want a whole number from 1`);
    this.n = n;
  }

  shouldSample(): boolean {
    if (++this.#count < this.n) return false;
    this.#count = 0;
    return true;
  }
}

/**
 * Each event is sampled with probability `rate` and stands for those that were not, so that sums stay right:
 *
 *     const sampler = new WeightedSampler(0.01);
 *     // at each request
 *     sampler.record((weight) => requests.add(weight, attributesOf(request)));
 *     // at the end
 *     sampler.flush((weight) => requests.add(weight));
 *
 * How the weights come about is `weights`:
 * - `"whole"` (default): as many events as there were since the last sampled one, itself included. Always a whole number, as counters want
 *   it; the sum of all weights is exactly the number of events, but for the few since the last sample, which `flush` hands out. How the sum
 *   is spread over attributes is unbiased, for the gaps are drawn independently of the events.
 * - `"equal"`: `1 / rate` each. The sum is right in expectation; the spread over attributes scatters about 0.7 times as much as with
 *   `"whole"`. A fraction unless the rate is one over a whole number, and counters of whole things ignore fractions.
 *
 * To add up something else than events, multiply: `bytes.add(weight * size)`.
 */
export class WeightedSampler {
  readonly rate: number;
  readonly #equalWeight: number | null;
  readonly #random: () => number;
  /** Of `ln(1 - u) * #gapScale`, rounded up, is a geometric gap. */
  readonly #gapScale: number;
  /** Events since the last sampled one. */
  #pending = 0;
  /** `#pending` at the next sampled one. */
  #gap: number;

  /**
   * @param rate 0 to 1
   * @throws RangeError if it is not; TypeError for unknown `weights`
   */
  constructor(rate: number, options: WeightedSamplerOptions = {}) {
    const { weights = "whole", random = Math.random } = options;
    if (weights !== "whole" && weights !== "equal") {
      throw new TypeError(`sampler: weights is ${String(weights)}, want "whole" or "equal"`);
    }
    this.rate = checkRate(rate);
    this.#equalWeight = weights === "equal" ? 1 / rate : null;
    this.#random = random;
    this.#gapScale = 1 / Math.log1p(-rate);
    this.#gap = this.#drawGap();
  }

  /** For one event: 0 if it is not sampled, else how many it stands for. */
  weight(): number {
    if (++this.#pending < this.#gap) return 0;
    const weight = this.#equalWeight ?? this.#pending;
    this.#pending = 0;
    this.#gap = this.#drawGap();
    return weight;
  }

  /**
   * Calls `record` with the weight of one event if it is sampled. True if it was.
   * @throws what `record` throws
   */
  record(record: (weight: number) => void): boolean {
    const weight = this.weight();
    if (weight === 0) return false;
    record(weight);
    return true;
  }

  /**
   * Calls `record` with the number of events since the last sampled one, if there are any. Afterwards the sum of whole weights is exactly
   * the number of events. Equal weights do not need it: there it does nothing.
   * @throws what `record` throws
   */
  flush(record: (weight: number) => void): void {
    if (this.#equalWeight !== null || this.#pending === 0) return;
    const weight = this.#pending;
    this.#pending = 0;
    // The gaps have no memory: a new one is as likely as what was left of the old one.
    this.#gap = this.#drawGap();
    record(weight);
  }

  /** How many events until the next sampled one: 1 with probability `rate`, 2 with `rate * (1 - rate)`, and so on. */
  #drawGap(): number {
    if (this.rate === 1) return 1;
    if (this.rate === 0) return Number.POSITIVE_INFINITY;
    // 1 - u in (0, 1]; a generator that returns 1 must not end all sampling.
    const rest = Math.max(1 - this.#random(), Number.EPSILON / 2);
    return Math.max(1, Math.ceil(Math.log(rest) * this.#gapScale));
  }
}

/** Where chance comes from. */
export interface SamplerOptions {
  /** Uniform in [0, 1). Default: Math.random. */
  readonly random?: () => number;
}

/** How a {@link WeightedSampler} weighs. */
export interface WeightedSamplerOptions extends SamplerOptions {
  /** Default: "whole". */
  readonly weights?: "whole" | "equal";
}

function checkRate(rate: number): number {
  if (typeof rate === "number" && rate >= 0 && rate <= 1) return rate;
  throw new RangeError(`sampler: rate is ${String(rate)}, want 0 to 1`);
}
