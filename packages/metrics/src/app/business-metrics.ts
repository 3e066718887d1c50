import {
  type Attributes,
  type BatchObservableCallback,
  type Counter,
  type Histogram,
  type Meter,
  type ObservableGauge,
  ValueType,
} from "@opentelemetry/api";
import { BoundedTable, copyText, cutLabel } from "./bounded-table.ts";
import { DroppedValues, isQuantity, pickMeter } from "./dropped-values.ts";

/** Of {@link BusinessMetrics}. */
export interface BusinessMetricsOptions {
  /** Where the instruments are made; the global meter provider's `@nyanza/metrics` if left out. */
  readonly meter?: Meter;
  /**
   * Of the amounts, ISO 4217; `"USD"` if left out. One currency is the unit of `business_order_amount_total`. A list of several gives it the label
   * `currency`: amounts of different money are never added up.
   */
  readonly currency?: string | readonly string[];
  /** Products whose inventory is kept, and product types that get series of their own: 500 each if left out. */
  readonly productsMax?: number;
}

/** One order that was processed. */
export interface OrderRecord {
  /** A kind of product, of which there are few: `book`. Those after the first 500 are counted under `other`. */
  readonly productType: string;
  /** In units of the currency, not cents. */
  readonly amount: number;
  /** How long the order took to process, milliseconds; recorded in seconds. */
  readonly durationMs: number;
  /** Needed if there are several currencies, else it must be the one. An amount in any other is left out and counted. */
  readonly currency?: string;
}

/** From a cache's answer to a payment that had to be tried again. */
const SECONDS_BOUNDS: readonly number[] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const ITEMS_BOUNDS: readonly number[] = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500];

/**
 * Orders, inventory and carts of a shop:
 *
 * | instrument | kind | labels |
 * |---|---|---|
 * | `business_orders_total` | counter | `product_type` |
 * | `business_order_amount_total` | counter, unit: the currency | `product_type`, with several currencies `currency` |
 * | `business_order_duration_seconds` | histogram, 10 ms … 60 s | `product_type` |
 * | `business_inventory_level` | gauge | `product` |
 * | `business_cart_size` | histogram, 1 … 500 items | |
 *
 * Make it after `startMetrics()`. No method throws; values that are negative, NaN or infinite are left out and counted in
 * `metrics_dropped_values_total{instrument}`, the order itself still counts.
 *
 * @example
 * const business = new BusinessMetrics({ currency: "EUR" });
 * business.recordOrder({ productType: "book", amount: 19.9, durationMs: 120 });
 * business.updateInventory("isbn-9780131103627", 42);
 */
export class BusinessMetrics {
  readonly #meter: Meter;
  readonly #orders: Counter;
  readonly #amounts: Counter;
  readonly #durations: Histogram;
  readonly #carts: Histogram;
  readonly #inventoryLevel: ObservableGauge;
  readonly #dropped: DroppedValues;
  readonly #types: BoundedTable<TypeAttributes>;
  readonly #inventory = new Map<string, { readonly attributes: Attributes; level: number }>();
  readonly #removed = new Map<string, Attributes>();
  readonly #productsMax: number;
  readonly #currencies: readonly string[];
  readonly #observe: BatchObservableCallback;
  #closed = false;

  /** @throws TypeError for a currency that is not three letters. */
  constructor(options: BusinessMetricsOptions = {}) {
    const { currency = "USD", productsMax = 500 } = options;
    const currencies = typeof currency === "string" ? [currency] : [...currency];
    for (const code of currencies.length === 0 ? [""] : currencies) {
      if (!/^[A-Z]{3}$/.test(code))
        throw new TypeError(`BusinessMetrics: currency ${JSON.stringify(code)}: want ISO 4217, like "USD"`);
    }
    const meter = pickMeter(options.meter, "BusinessMetrics");
    this.#meter = meter;
    this.#currencies = currencies;
    this.#productsMax = productsMax;
    this.#types = new BoundedTable(productsMax, (type) => new TypeAttributes(type, currencies));
    this.#dropped = new DroppedValues(meter);
    this.#orders = meter.createCounter("business_orders_total", {
      description: "Total number of orders",
      unit: "{orders}",
      valueType: ValueType.INT,
    });
    this.#amounts = meter.createCounter("business_order_amount_total", {
      description: "Total order amount",
      unit: currencies.length === 1 ? (currencies[0] as string) : "{money}",
    });
    this.#durations = meter.createHistogram("business_order_duration_seconds", {
      description: "Order processing duration",
      unit: "s",
      advice: { explicitBucketBoundaries: [...SECONDS_BOUNDS] },
    });
    this.#carts = meter.createHistogram("business_cart_size", {
      description: "Shopping cart size",
      unit: "{items}",
      valueType: ValueType.INT,
      advice: { explicitBucketBoundaries: [...ITEMS_BOUNDS] },
    });
    this.#inventoryLevel = meter.createObservableGauge("business_inventory_level", {
      description: "Product inventory level",
      unit: "{items}",
      valueType: ValueType.INT,
    });
    this.#observe = (result) => {
      for (const { attributes, level } of this.#inventory.values())
        result.observe(this.#inventoryLevel, level, attributes);
      // The SDK repeats what an attribute set said last, for ever: so the last that a removed product says is 0.
      for (const attributes of this.#removed.values()) result.observe(this.#inventoryLevel, 0, attributes);
      this.#removed.clear();
    };
    meter.addBatchObservableCallback(this.#observe, [this.#inventoryLevel]);
  }

  recordOrder(order: OrderRecord): void {
    if (typeof order !== "object" || order === null) {
      this.#dropped.count("business_orders_total");
      return;
    }
    const { amount, durationMs } = order;
    const attributes = this.#types.get(order.productType);
    this.#orders.add(1, attributes.plain);
    const ofAmount = attributes.inCurrency(
      order.currency ?? (this.#currencies.length === 1 ? this.#currencies[0] : undefined),
    );
    if (isQuantity(amount) && ofAmount !== undefined) this.#amounts.add(amount, ofAmount);
    else this.#dropped.count("business_order_amount_total");
    if (isQuantity(durationMs)) this.#durations.record(durationMs / 1000, attributes.plain);
    else this.#dropped.count("business_order_duration_seconds");
  }

  /** `itemCount`: how many items are in a cart, at the moment worth recording (often: at checkout). */
  recordCartSize(itemCount: number): void {
    if (isQuantity(itemCount)) this.#carts.record(Math.round(itemCount));
    else this.#dropped.count("business_cart_size");
  }

  /**
   * Sets how many of `product` there are; reported until it is changed or removed. A level may be negative (back orders). A product beyond `productsMax`
   * is left out and counted as dropped.
   */
  updateInventory(product: string, level: number): void {
    const label = copyText(cutLabel(product));
    const entry = this.#inventory.get(label);
    if (!Number.isFinite(level) || (entry === undefined && this.#inventory.size >= this.#productsMax)) {
      this.#dropped.count("business_inventory_level");
      return;
    }
    if (entry !== undefined) {
      entry.level = Math.round(level);
      return;
    }
    this.#removed.delete(label);
    this.#inventory.set(label, { attributes: { product: label }, level: Math.round(level) });
  }

  /** Forgets a product: it is reported once more, as 0. False if it was not there. */
  removeProduct(product: string): boolean {
    const label = copyText(cutLabel(product));
    const entry = this.#inventory.get(label);
    if (entry === undefined) return false;
    this.#inventory.delete(label);
    if (!this.#closed && this.#removed.size < this.#productsMax) this.#removed.set(label, entry.attributes);
    return true;
  }

  /** Stops observing the inventory. What was recorded stays, and recording goes on working. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#meter.removeBatchObservableCallback(this.#observe, [this.#inventoryLevel]);
    this.#removed.clear();
  }
}

/** The attributes of a product type, and those of its amounts in each currency. */
class TypeAttributes {
  readonly plain: Attributes;
  readonly #byCurrency: ReadonlyMap<string, Attributes>;

  constructor(type: string, currencies: readonly string[]) {
    this.plain = { product_type: type };
    this.#byCurrency = new Map(
      currencies.map((currency) => [currency, currencies.length === 1 ? this.plain : { product_type: type, currency }]),
    );
  }

  inCurrency(currency: unknown): Attributes | undefined {
    return this.#byCurrency.get(currency as string);
  }
}
