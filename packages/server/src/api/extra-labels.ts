/** Labels that a request adds to every series it brings: `extra_label=name=value` and Pushgateway's paths. */
import { InputError } from "@nyanza/tsdb";
import { quote, type RequestArguments } from "../http/arguments.ts";

export type ExtraLabels = readonly (readonly [name: string, value: string])[];

/** @throws InputError 400 for a label without "=" */
export function getExtraLabels(args: RequestArguments): ExtraLabels {
  const labels = new Map<string, string>();
  for (const text of args.getAll("extra_label")) {
    const equals = text.indexOf("=");
    if (equals <= 0) throw new InputError(`argument extra_label: want name=value, got ${quote(text)}`);
    labels.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return [...labels];
}

/**
 * Labels of a Pushgateway path behind `/metrics/`: `job/backup/instance/a`, with `name@base64` for values in URL-safe
 * base64. Empty values are left out. @throws InputError 400
 */
export function parsePushgatewayPath(rest: string): ExtraLabels {
  const segments = rest.split("/");
  // A slash behind a value ends the path, one behind a name gives it an empty value.
  if (segments.length % 2 !== 0 && segments.at(-1) === "") segments.pop();
  const first = segments[0] ?? "";
  if (first !== "job" && first !== "job@base64") {
    throw new InputError(`path: want /metrics/job/<name>[/<label>/<value>…], got ${quote(rest)}`);
  }
  if (segments.length % 2 !== 0) throw new InputError(`path: want a value for label ${quote(segments.at(-1) ?? "")}`);
  const labels = new Map<string, string>();
  for (let i = 0; i < segments.length; i += 2) {
    const key = segments[i] as string;
    const isBase64 = key.endsWith("@base64");
    const name = isBase64 ? key.slice(0, -"@base64".length) : key;
    const value = isBase64 ? decodeBase64(segments[i + 1] as string) : (segments[i + 1] as string);
    if (name === "") throw new InputError(`path: want a label name before ${quote(value)}`);
    if (value !== "") labels.set(name, value);
  }
  return [...labels];
}

function decodeBase64(text: string): string {
  if (!/^[A-Za-z0-9_-]*=*$/.test(text)) throw new InputError(`path: want URL-safe base64, got ${quote(text)}`);
  return Buffer.from(text, "base64url").toString("utf8");
}
