import { openDatabase } from "@nyanza/tsdb";

const folder = process.argv[2] as string;
const startMs = Date.UTC(2026, 0, 1);
const timestamps = Float64Array.from({ length: 1000 }, (_, k) => startMs + k * 15_000);
const writer = await openDatabase(folder);
for (let i = 0; i < 1000; i++) {
  const labels = { __name__: "level_metres", place: `p${i % 100}`, i: `${i}` };
  await writer.append([{ labels, timestamps, values: timestamps.map((_, k) => i + k / 4) }]);
}
await writer.close();
const reader = await openDatabase(folder);
const { series } = await reader.query("sum(sum_over_time(level_metres[1d]))", { timeMs: startMs + 15_000_000 });
console.log(series[0]?.values[0]);
await reader.close();
