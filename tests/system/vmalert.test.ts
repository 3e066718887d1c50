/**
 * Debian's vmalert evaluates rules against us: a recording rule comes back through remote write, an alert reaches a
 * real Alertmanager, and the alert's state is stored.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { getJson, http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { eventually } from "./support/process.ts";
import { queryInstant } from "./support/query.ts";
import { scoped } from "./support/scope.ts";

const rules = `groups:
  - name: lake
    interval: 1s
    rules:
      - record: lake:level_metres:sum
        expr: sum by (lake) (level_metres)
        labels: { recorded: "yes" }
      - alert: LakeHigh
        expr: lake:level_metres:sum > 10
        labels: { severity: page }
        annotations: { summary: "{{ $labels.lake }} stands at {{ $value }} m" }
`;

interface AlertmanagerAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
}

test(
  "vmalert: recording rule written back, alert in Alertmanager",
  { timeout: 90_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    const alertmanager = await startPeer(scope, "alertmanager");
    const send = async (): Promise<void> => {
      const body =
        'level_metres{lake="nyanza",shore="north"} 6\nlevel_metres{lake="nyanza",shore="south"} 6.5\nlevel_metres{lake="small",shore="all"} 2\n';
      assert.equal((await http(`${url}/api/v1/import/prometheus`, { body })).status, 204);
    };
    await send();
    await startPeer(scope, "vmalert", {
      config: rules,
      flags: [
        `-datasource.url=${url}`,
        `-remoteWrite.url=${url}`,
        `-remoteRead.url=${url}`,
        `-notifier.url=${alertmanager.url}`,
        "-remoteWrite.flushInterval=200ms",
        "-evaluationInterval=1s",
      ],
    });

    const recorded = await eventually(
      "the recording rule's result",
      async () => {
        await send();
        const found = await queryInstant(url, "lake:level_metres:sum", Math.ceil(Date.now() / 1000));
        return found.length === 2 ? found : null;
      },
      30_000,
      500,
    );
    const values = new Map(recorded.map(({ metric, value }) => [metric["lake"], Number(value?.[1])]));
    assert.deepEqual(
      values,
      new Map([
        ["nyanza", 12.5],
        ["small", 2],
      ]),
    );
    for (const { metric } of recorded) assert.equal(metric["recorded"], "yes");

    const alert = await eventually(
      "the alert in Alertmanager",
      async () => {
        await send();
        const alerts = await getJson<AlertmanagerAlert[]>(`${alertmanager.url}/api/v2/alerts`);
        return alerts.find(({ labels }) => labels["alertname"] === "LakeHigh");
      },
      30_000,
      500,
    );
    assert.equal(alert.labels["lake"], "nyanza");
    assert.equal(alert.labels["severity"], "page");
    assert.equal(alert.annotations["summary"], "nyanza stands at 12.5 m");
    assert.equal(alert.status.state, "active");

    const state = await eventually(
      "the alert's state series",
      async () => {
        await send();
        const found = await queryInstant(url, 'ALERTS{alertname="LakeHigh"}', Math.ceil(Date.now() / 1000));
        return found.find(({ metric }) => metric["alertstate"] === "firing");
      },
      30_000,
      500,
    );
    assert.equal(state.value?.[1], "1");
  }),
);
