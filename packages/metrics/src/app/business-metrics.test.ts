import assert from "node:assert/strict";
import { test } from "node:test";
import { BusinessMetrics } from "./business-metrics.ts";
import { Readings } from "./manual-reader.test.support.ts";

test("BusinessMetrics: orders, amounts, durations, carts", async () => {
  const readings = new Readings();
  const business = new BusinessMetrics({ meter: readings.meter });
  business.recordOrder({ productType: "book", amount: 19.5, durationMs: 250 });
  business.recordOrder({ productType: "book", amount: 0.5, durationMs: 750, currency: "USD" });
  business.recordOrder({ productType: "__proto__", amount: 1, durationMs: 0 });
  business.recordCartSize(3);
  assert.deepEqual(await readings.values("business_orders_total"), {
    "product_type=book": 2,
    "product_type=__proto__": 1,
  });
  assert.deepEqual(await readings.values("business_order_amount_total"), {
    "product_type=book": 20,
    "product_type=__proto__": 1,
  });
  const durations = await readings.points("business_order_duration_seconds");
  assert.deepEqual(durations.get("product_type=book"), { count: 2, sum: 1 });
  assert.deepEqual((await readings.points("business_cart_size")).get(""), { count: 1, sum: 3 });
  const instruments = await readings.instruments();
  assert.equal(instruments.get("business_order_amount_total")?.unit, "USD");
  assert.deepEqual(instruments.get("business_cart_size")?.bounds, [1, 2, 3, 5, 10, 20, 50, 100, 200, 500]);
  await readings.close();
});

test("BusinessMetrics: money of different currencies is never added up", async () => {
  const readings = new Readings();
  const business = new BusinessMetrics({ meter: readings.meter, currency: ["EUR", "JPY"] });
  const order = { productType: "book", amount: 10, durationMs: 1 };
  for (const currency of ["EUR", "JPY", "EUR", "USD", "__proto__"]) business.recordOrder({ ...order, currency });
  business.recordOrder(order);
  assert.deepEqual(await readings.values("business_order_amount_total"), {
    "currency=EUR,product_type=book": 20,
    "currency=JPY,product_type=book": 10,
  });
  assert.deepEqual(await readings.values("business_orders_total"), { "product_type=book": 6 });
  assert.deepEqual(await readings.values("metrics_dropped_values_total"), {
    "instrument=business_order_amount_total": 3,
  });
  for (const currency of ["usd", "", [], "US Dollar"]) {
    assert.throws(() => new BusinessMetrics({ meter: readings.meter, currency }), /ISO 4217/);
  }
  await readings.close();
});

test("BusinessMetrics: a gauge a product; a removed one ends at 0", async () => {
  const readings = new Readings();
  const business = new BusinessMetrics({ meter: readings.meter, productsMax: 3 });
  for (const [product, level] of [
    ["a", 5],
    ["b", 2],
    ["a", 4],
    ["c", -1],
    ["d", 9],
  ] as const)
    business.updateInventory(product, level);
  business.updateInventory("a", Number.NaN);
  assert.deepEqual(await readings.values("business_inventory_level"), {
    "product=a": 4,
    "product=b": 2,
    "product=c": -1,
  });
  assert.deepEqual(await readings.values("metrics_dropped_values_total"), { "instrument=business_inventory_level": 2 });
  assert.equal(business.removeProduct("b"), true);
  assert.equal(business.removeProduct("b"), false);
  business.updateInventory("d", 9);
  const after = { "product=a": 4, "product=b": 0, "product=c": -1, "product=d": 9 };
  assert.deepEqual(await readings.values("business_inventory_level"), after);
  assert.equal(business.removeProduct("d"), true);
  business.updateInventory("d", 8);
  assert.deepEqual(await readings.values("business_inventory_level"), { ...after, "product=d": 8 });
  business.close();
  business.updateInventory("a", 1);
  await readings.close();
});

test("BusinessMetrics: hostile values are left out and counted, never thrown", async () => {
  const readings = new Readings();
  const business = new BusinessMetrics({ meter: readings.meter });
  business.recordOrder({ productType: "book", amount: -1, durationMs: Number.NaN });
  business.recordOrder({ productType: Symbol("x") as never, amount: 1, durationMs: 1 });
  business.recordOrder(null as never);
  business.recordCartSize(-1);
  business.recordCartSize("3" as never);
  business.updateInventory("p\n".repeat(1000), 1);
  business.updateInventory(undefined as never, 1);
  assert.deepEqual(await readings.values("business_orders_total"), {
    "product_type=book": 1,
    "product_type=(invalid)": 1,
  });
  assert.deepEqual(await readings.values("metrics_dropped_values_total"), {
    "instrument=business_order_amount_total": 1,
    "instrument=business_order_duration_seconds": 1,
    "instrument=business_orders_total": 1,
    "instrument=business_cart_size": 2,
  });
  assert.deepEqual(await readings.values("business_inventory_level"), {
    [`product=${"p\n".repeat(100)}`]: 1,
    "product=(invalid)": 1,
  });
  await readings.close();
});
