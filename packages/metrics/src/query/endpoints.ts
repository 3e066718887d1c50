/**
 * Where one base URL reads, writes and deletes.
 *
 *     http://host:8428                         everything there
 *     http://host:8428/prometheus/             everything under it
 *     http://host:8481/select/7:0/prometheus   a cluster: reads there, deletes under …/delete/7:0/prometheus, writes at `insertUrl`
 *     http://host:8480/insert/7:0/prometheus   such an `insertUrl`; a vmagent's URL is one as well
 *
 * `/prometheus` is added after the tenant where it is missing. Source: VictoriaMetrics' cluster URL format.
 */

export interface Endpoints {
  /** All without a slash at the end, without credentials. */
  readonly select: string;
  /** Null: reads go to a cluster, and nobody said where its writes go. */
  readonly insert: string | null;
  readonly delete: string;
  /** Asked in this order, the first that is there answers. */
  readonly health: readonly string[];
  /** From `http://user:password@host`; null when the URL has none. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** Whether the path names a tenant. */
  readonly hasTenant: boolean;
}

/** @throws TypeError for what is no such URL; the message never quotes it, since it may hold a password */
export function parseEndpoints(baseUrl: string | URL, insertUrl: string | URL | null): Endpoints {
  const base = parseUrl("base URL", baseUrl);
  const tenantPath = /^(.*)\/select\/([^/]+)(?:\/prometheus)?$/.exec(base.path);
  const select = tenantPath === null ? base.path : `${tenantPath[1]}/select/${tenantPath[2]}/prometheus`;
  const remove = tenantPath === null ? base.path : `${tenantPath[1]}/delete/${tenantPath[2]}/prometheus`;
  // VictoriaMetrics tells its health at the root only, Prometheus under its prefix.
  const root = tenantPath === null ? base.path.replace(/\/prometheus$/, "") : (tenantPath[1] as string);
  const health = [`${root}/health`, `${root}/-/healthy`];
  if (root !== base.path && tenantPath === null) health.push(`${base.path}/-/healthy`);
  return {
    select: base.origin + select,
    insert: insertUrl === null ? (tenantPath === null ? base.origin + base.path : null) : parseInsertUrl(insertUrl),
    delete: base.origin + remove,
    health: health.map((path) => base.origin + path),
    credentials: base.credentials,
    hasTenant: tenantPath !== null,
  };
}

function parseInsertUrl(text: string | URL): string {
  const { origin, path, credentials } = parseUrl("insertUrl", text);
  if (credentials !== null) throw new TypeError("insertUrl: has credentials; give them as basicAuth");
  return origin + (/\/insert\/[^/]+$/.test(path) ? `${path}/prometheus` : path);
}

interface BaseUrl {
  readonly origin: string;
  readonly path: string;
  readonly credentials: Endpoints["credentials"];
}

function parseUrl(what: string, text: string | URL): BaseUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`${what}: want one such as http://127.0.0.1:8428, got what is no URL`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`${what}: want http:// or https://, got ${url.protocol}//`);
  }
  if (url.search !== "" || url.hash !== "") {
    throw new TypeError(`${what}: has a query or a fragment; give arguments as extraParams`);
  }
  const hasCredentials = url.username !== "" || url.password !== "";
  return {
    origin: url.origin,
    path: url.pathname.replace(/\/+$/, "").replace(/\/{2,}/g, "/"),
    credentials: hasCredentials ? { username: decode(url.username), password: decode(url.password) } : null,
  };
}

/** A stray percent sign in a password stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
