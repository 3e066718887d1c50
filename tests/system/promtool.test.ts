/** Prometheus' own command-line client asks us: instant, range, series, labels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { runCommand } from "./support/process.ts";
import { scoped } from "./support/scope.ts";

test(
  "promtool query instant, range, series, labels",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    const start = Math.floor(Date.now() / 1000) - 600;
    const lines = [
      `pt_requests_total{path="/a",code="200"} 1 ${start}000`,
      `pt_requests_total{path="/a",code="200"} 31 ${start + 30}000`,
      `pt_requests_total{path="/a",code="200"} 61 ${start + 60}000`,
      `pt_requests_total{path="/b",code="500"} 7.5 ${start + 60}000`,
    ];
    const sent = await http(`${url}/api/v1/import/prometheus`, { body: `${lines.join("\n")}\n` });
    assert.equal(sent.status, 204);

    const promtool = async (...args: string[]): Promise<string> => {
      const { code, output } = await runCommand(scope, "promtool", ["query", ...args]);
      assert.equal(code, 0, output);
      return output.trim();
    };
    const at = String(start + 61);
    assert.equal(
      await promtool("instant", `--time=${at}`, url, "sum by (path) (pt_requests_total)"),
      `{path="/a"} => 61 @[${at}]\n{path="/b"} => 7.5 @[${at}]`,
    );
    assert.equal(
      await promtool("instant", `--time=${at}`, url, "pt_requests_total > 10"),
      `pt_requests_total{code="200", path="/a"} => 61 @[${at}]`,
    );
    assert.equal(
      await promtool(
        "range",
        `--start=${start}`,
        `--end=${start + 60}`,
        "--step=30s",
        url,
        'pt_requests_total{path="/a"}',
      ),
      `pt_requests_total{code="200", path="/a"} =>\n1 @[${start}]\n31 @[${start + 30}]\n61 @[${start + 60}]`,
    );
    assert.equal(
      await promtool("series", "--match=pt_requests_total", `--start=${start}`, `--end=${at}`, url),
      '{__name__="pt_requests_total", code="200", path="/a"}\n{__name__="pt_requests_total", code="500", path="/b"}',
    );
    assert.equal(
      await promtool("labels", `--start=${start}`, `--end=${at}`, "--match=pt_requests_total", url, "path"),
      "/a\n/b",
    );

    const broken = await runCommand(scope, "promtool", ["query", "instant", url, "sum("]);
    assert.equal(broken.code, 1);
    assert.match(broken.output, /query error/);
  }),
);
