/**
 * Meters of the SDK made safe for what an application may hand them by mistake. The SDK trusts its callers: `add(NaN)` makes a sum NaN for ever, an
 * attribute that JSON has no word for throws out of `add`, an instrument whose name is no text breaks every scrape from then on.
 *
 *     add, record, observe   a value no instrument of the kind can take is left out and counted, as is one with attributes that throw
 *     attributes             cut and made text before the SDK keeps them (recorded-attributes.ts)
 *     create…                a name that is no text, or longer than 255 as OpenTelemetry has it: an instrument that measures nothing, and a report
 *
 * Instruments stay the SDK's own objects, with one function in front of `add`, `record` or `observe`: it costs about a twentieth of what is behind it.
 */
import {
  type BatchObservableCallback,
  type Context,
  type Counter,
  createNoopMeter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricAttributes,
  type MetricOptions,
  type Observable,
  type ObservableCallback,
  type UpDownCounter,
} from "@opentelemetry/api";
import { checkAttributes } from "./recorded-attributes.ts";

export interface MeterGuardOptions {
  /** A value was left out. Must not throw. */
  readonly onDropped: () => void;
  /** An instrument was refused. Must not throw. */
  readonly onRefused: (error: Error) => void;
}

/** Longest name of an instrument, by OpenTelemetry's specification. */
const INSTRUMENT_NAME_LENGTH_MAX = 255;

export class MeterGuard {
  readonly #onDropped: () => void;
  readonly #onRefused: (error: Error) => void;
  readonly #guarded = new WeakSet<Meter>();
  readonly #takes = new WeakMap<Observable, Takes>();

  constructor({ onDropped, onRefused }: MeterGuardOptions) {
    this.#onDropped = onDropped;
    this.#onRefused = onRefused;
  }

  /** `meter` itself, guarded from now on. */
  guard(meter: Meter): Meter {
    // The one that measures nothing is shared by everybody.
    if (this.#guarded.has(meter) || meter === NOOP) return meter;
    this.#guarded.add(meter);
    meter.createCounter = this.#creator("createCounter", meter, (counter) => this.#guardAdd(counter, isQuantity));
    meter.createUpDownCounter = this.#creator("createUpDownCounter", meter, (counter) =>
      this.#guardAdd(counter, Number.isFinite),
    );
    meter.createHistogram = this.#creator("createHistogram", meter, (one) => this.#guardRecord(one, isQuantity));
    meter.createGauge = this.#creator("createGauge", meter, (one) => this.#guardRecord(one, isNumber));
    meter.createObservableCounter = this.#observer("createObservableCounter", meter, isQuantity);
    meter.createObservableUpDownCounter = this.#observer("createObservableUpDownCounter", meter, Number.isFinite);
    meter.createObservableGauge = this.#observer("createObservableGauge", meter, isNumber);
    this.#guardBatches(meter);
    return meter;
  }

  #creator<K extends CreatorName>(
    kind: K,
    meter: Meter,
    guardInstrument: (instrument: ReturnType<Meter[K]>) => void,
  ): Meter[K] {
    const create = meter[kind].bind(meter) as Create<K>;
    const stand = NOOP[kind].bind(NOOP) as Create<K>;
    const creator: Create<K> = (name, options) => {
      try {
        checkName(name);
        const instrument = create(name, describe(options));
        guardInstrument(instrument);
        return instrument;
      } catch (error) {
        this.#onRefused(new Error(`${kind}: ${error instanceof Error ? error.message : String(error)}`));
        return stand("refused");
      }
    };
    return creator as Meter[K];
  }

  #observer<K extends ObserverName>(kind: K, meter: Meter, takes: Takes): Meter[K] {
    return this.#creator(kind, meter, (instrument) => {
      this.#takes.set(instrument, takes);
      const stands = new StandIns<ObservableCallback>((callback) => (result) => {
        const observe = this.#checked((value, attributes) => result.observe(value, attributes), takes);
        return callback({ observe });
      });
      const add = instrument.addCallback.bind(instrument);
      const remove = instrument.removeCallback.bind(instrument);
      instrument.addCallback = (callback) => add(stands.of(callback));
      instrument.removeCallback = (callback) => remove(stands.of(callback));
    });
  }

  #guardBatches(meter: Meter): void {
    const stands = new StandIns<BatchObservableCallback>((callback) => (result) => {
      return callback({
        observe: (instrument, value, attributes) => {
          const takes = this.#takes.get(instrument) ?? isNumber;
          this.#checked((checked, kept) => result.observe(instrument, checked, kept), takes)(value, attributes);
        },
      });
    });
    const add = meter.addBatchObservableCallback.bind(meter);
    const remove = meter.removeBatchObservableCallback.bind(meter);
    meter.addBatchObservableCallback = (callback, observables) => add(stands.of(callback), observables);
    meter.removeBatchObservableCallback = (callback, observables) => remove(stands.of(callback), observables);
  }

  #guardAdd(counter: Counter | UpDownCounter, takes: Takes): void {
    counter.add = this.#checked(counter.add.bind(counter), takes);
  }

  #guardRecord(instrument: Gauge | Histogram, takes: Takes): void {
    instrument.record = this.#checked(instrument.record.bind(instrument), takes);
  }

  #checked(record: RecordFunction, takes: Takes): RecordFunction {
    return (value, attributes, context) => {
      try {
        if (takes(value)) return record(value, checkAttributes(attributes), context);
      } catch {
        // Of the caller's own making: a getter, a Proxy.
      }
      this.#onDropped();
    };
  }
}

const NOOP = createNoopMeter();

/** What stands before each callback, the same each time it is asked for: it is taken away by it again. */
class StandIns<Callback extends object> {
  readonly #standIns = new WeakMap<Callback, Callback>();
  readonly #make: (callback: Callback) => Callback;

  constructor(make: (callback: Callback) => Callback) {
    this.#make = make;
  }

  of(callback: Callback): Callback {
    // No function at all is the SDK's to fail with, when it calls it.
    if (typeof callback !== "function") return callback;
    let standIn = this.#standIns.get(callback);
    if (standIn === undefined) this.#standIns.set(callback, (standIn = this.#make(callback)));
    return standIn;
  }
}

type Takes = (value: number) => boolean;
type ObserverName = Extract<CreatorName, `createObservable${string}`>;
type CreatorName = Extract<keyof Meter, `create${string}`>;
type Create<K extends CreatorName> = (name: string, options?: MetricOptions) => ReturnType<Meter[K]>;
type RecordFunction = (value: number, attributes?: MetricAttributes, context?: Context) => void;

/** Anything may be given. */
function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

/** What only ever grows takes these. */
function isQuantity(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function checkName(name: unknown): void {
  if (typeof name !== "string" || name === "")
    throw new TypeError(`want a name, got ${typeof name === "string" ? '""' : typeof name}`);
  if (name.length > INSTRUMENT_NAME_LENGTH_MAX) {
    throw new RangeError(
      `want a name of at most ${INSTRUMENT_NAME_LENGTH_MAX} characters, got ${name.length}: ${JSON.stringify(name.slice(0, 40))}…`,
    );
  }
}

/** Descriptions and units end up in the exposition. */
function describe(options: MetricOptions | undefined): MetricOptions | undefined {
  if (typeof options !== "object" || options === null) return undefined;
  const { description = "", unit = "" } = options;
  if (typeof description === "string" && typeof unit === "string") return options;
  throw new TypeError(`want description and unit to be text, got ${typeof description} and ${typeof unit}`);
}
