/**
 * Meters of the SDK made safe for what an application may hand them by mistake. The SDK trusts its callers: `add(NaN)` makes a sum NaN for ever, an
 * attribute that JSON has no word for throws out of `add`, an instrument whose name is no text breaks every scrape from then on.
 *
 *     add, record    a value no instrument of the kind can take is left out and counted, as is one with attributes that throw
 *     attributes     cut and made text before the SDK keeps them (recorded-attributes.ts)
 *     create…        a name that is no text, or longer than 255 as OpenTelemetry has it: an instrument that measures nothing, and a report
 *
 * Instruments stay the SDK's own objects, with one function in front of `add` or `record`: it costs about a twentieth of what is behind it.
 */
import {
  type Context,
  type Counter,
  createNoopMeter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricAttributes,
  type MetricOptions,
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
    // What callbacks observe is read inside the SDK's own `try`.
    meter.createObservableCounter = this.#creator("createObservableCounter", meter);
    meter.createObservableUpDownCounter = this.#creator("createObservableUpDownCounter", meter);
    meter.createObservableGauge = this.#creator("createObservableGauge", meter);
    return meter;
  }

  #creator<K extends CreatorName>(
    kind: K,
    meter: Meter,
    guardInstrument: (instrument: ReturnType<Meter[K]>) => void = () => {},
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

  #guardAdd(counter: Counter | UpDownCounter, takes: (value: number) => boolean): void {
    counter.add = this.#checked(counter.add.bind(counter), takes);
  }

  #guardRecord(instrument: Gauge | Histogram, takes: (value: number) => boolean): void {
    instrument.record = this.#checked(instrument.record.bind(instrument), takes);
  }

  #checked(record: RecordFunction, takes: (value: number) => boolean): RecordFunction {
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
