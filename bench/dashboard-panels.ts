/**
 * A dashboard of twenty panels over the hosts of a node exporter and a service beside each, and the series that it asks for: 100 of every host.
 */

export interface Panel {
  readonly title: string;
  readonly query: string;
  /** True for a single value now, false for the last hour. */
  readonly isInstant: boolean;
}

/** A series of one host: labels without those of the host, sorted by name, and how its value goes on. */
export interface Template {
  readonly labels: readonly (readonly [string, string])[];
  readonly first: (random: () => number) => number;
  readonly next: (value: number, random: () => number) => number;
}

const MODES = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];
const BOUNDS = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
const HANDLERS = ["/api/items", "/api/orders", "/login"];
const MOUNTS = ["/", "/boot", "/var/lib"];

/** What the panels of a single host show: $node of the dashboard. */
export const NODE = "host-42.example.com:9100";

export function instanceOf(host: number): string {
  return `host-${host}.example.com:9100`;
}

/** As many as a host has; the same for all. */
export function templates(): Template[] {
  const list: Template[] = [];
  const add = (
    name: string,
    labels: readonly (readonly [string, string])[],
    first: Template["first"],
    next: Template["next"],
  ): void => {
    list.push({ labels: [["__name__", name], ...labels], first, next });
  };
  const counter =
    (pace: number, digits = 0): Template["next"] =>
    (value, random) =>
      round(value + random() * pace, digits);
  const gauge =
    (spread: number, digits = 0): Template["next"] =>
    (value, random) =>
      Math.abs(round(value + (random() - 0.5) * spread, digits));
  const some =
    (much: number): Template["first"] =>
    (random) =>
      Math.floor(random() * much);
  for (let cpu = 0; cpu < 4; cpu++) {
    for (const mode of MODES) {
      add(
        "node_cpu_seconds_total",
        [
          ["cpu", `${cpu}`],
          ["mode", mode],
        ],
        some(1e5),
        counter(mode === "idle" ? 28 : 1, 2),
      );
    }
  }
  add(
    "node_memory_MemTotal_bytes",
    [],
    () => 16 * 2 ** 30,
    (value) => value,
  );
  for (const what of ["MemAvailable", "MemFree", "Cached", "Buffers", "SwapFree"])
    add(`node_memory_${what}_bytes`, [], some(8e9), gauge(1e8));
  for (const mountpoint of MOUNTS) {
    add(
      "node_filesystem_size_bytes",
      [["mountpoint", mountpoint]],
      () => 1e11,
      (value) => value,
    );
    add("node_filesystem_avail_bytes", [["mountpoint", mountpoint]], some(1e11), (value, random) =>
      random() < 0.2 ? value + Math.floor((random() - 0.5) * 1000) * 4096 : value,
    );
  }
  for (const device of ["eth0", "eth1"]) {
    add("node_network_receive_bytes_total", [["device", device]], some(1e12), counter(1e7));
    add("node_network_transmit_bytes_total", [["device", device]], some(1e12), counter(1e7));
  }
  for (const device of ["sda", "sdb"]) {
    add("node_disk_read_bytes_total", [["device", device]], some(1e12), counter(1e6));
    add("node_disk_written_bytes_total", [["device", device]], some(1e12), counter(1e7));
    add("node_disk_io_time_seconds_total", [["device", device]], some(1e5), counter(5, 3));
  }
  for (const minutes of [1, 5, 15]) add(`node_load${minutes}`, [], () => 1, gauge(0.3, 2));
  add(
    "up",
    [],
    () => 1,
    (value) => value,
  );
  for (const handler of HANDLERS) {
    // The wider a bucket the more it has: each counts what those before it do, and more.
    BOUNDS.forEach((le, i) => {
      add(
        "http_request_duration_seconds_bucket",
        [
          ["handler", handler],
          ["le", le],
        ],
        () => 1_000 * i,
        (value, random) => value + 20 * (i + 1) + Math.floor(random() * 10),
      );
    });
    add("http_request_duration_seconds_count", [["handler", handler]], () => 11_000, counter(250));
    add("http_request_duration_seconds_sum", [["handler", handler]], () => 1_000, counter(40, 3));
  }
  return list;
}

const of = (more = ""): string => `{instance="${NODE}"${more}}`;

/** Windows are four scrapes wide where a real one would say $__rate_interval. */
export const panels: readonly Panel[] = [
  stat("CPU busy", `100 * (1 - avg(rate(node_cpu_seconds_total${of(',mode="idle"')}[1m])))`),
  stat("memory used", `100 * (1 - node_memory_MemAvailable_bytes${of()} / node_memory_MemTotal_bytes${of()})`),
  stat(
    "root used",
    `100 * (1 - node_filesystem_avail_bytes${of(',mountpoint="/"')} / node_filesystem_size_bytes${of(',mountpoint="/"')})`,
  ),
  stat("hosts up", "count(up == 1)"),
  stat("load per CPU, all hosts", 'sum(node_load1) / count(node_cpu_seconds_total{mode="idle"})'),
  stat("requests, all hosts", "sum(rate(http_request_duration_seconds_count[1m]))"),
  graph("CPU by mode", `sum by (mode) (rate(node_cpu_seconds_total${of()}[1m]))`),
  graph("memory", `node_memory_MemTotal_bytes${of()} - node_memory_MemAvailable_bytes${of()}`),
  graph("load", `{__name__=~"node_load(1|5|15)",instance="${NODE}"}`),
  graph("network", `8 * rate(node_network_receive_bytes_total${of()}[1m])`),
  graph("disks", `rate(node_disk_written_bytes_total${of()}[1m])`),
  graph("file systems", `1 - node_filesystem_avail_bytes${of()} / node_filesystem_size_bytes${of()}`),
  graph("CPU by host", '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[1m]))'),
  graph("most traffic", "topk(10, sum by (instance) (rate(node_network_receive_bytes_total[1m])))"),
  graph("CPU by mode, all hosts", "sum by (mode) (rate(node_cpu_seconds_total[5m]))"),
  graph("p99", "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))"),
  graph(
    "median by handler",
    "histogram_quantile(0.5, sum by (le, handler) (rate(http_request_duration_seconds_bucket[5m])))",
  ),
  graph("memory, all hosts", "sum(node_memory_MemTotal_bytes) - sum(node_memory_MemAvailable_bytes)"),
  graph("disks by region", "sum by (region) (rate(node_disk_io_time_seconds_total[1m]))"),
  graph("requests by handler", "sum by (handler) (rate(http_request_duration_seconds_count[1m]))"),
];

function stat(title: string, query: string): Panel {
  return { title, query, isInstant: true };
}

function graph(title: string, query: string): Panel {
  return { title, query, isInstant: false };
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
