/**
 * Express 4 and 5.
 *
 * When an answer is out, `req.route` is the route that matched, but its path is only the last piece: the pieces before it are mount paths
 * of routers, and `req.baseUrl` holds what the client wrote there, not the template, and only as long as no error has left the router. So the pieces are collected
 * while the routers set them: `baseUrl` and `route` of the request become accessors that behave as the plain properties did.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { normalizeUrl } from "../tuning/normalize-url.ts";
import { followExchange, isIgnored, type RouteOf } from "./exchange.ts";
import type { RouteOptions } from "./options.ts";
import { sharedServerMetrics } from "./server-metrics.ts";

/** What of an Express request is looked at. */
type ExpressRequest = IncomingMessage & { baseUrl?: unknown; route?: unknown; params?: unknown };

/**
 * Middleware to be put first: `app.use(expressMetrics())`.
 *
 * The path is that of the route with the mount paths of its routers before it, `/orgs/:org/users/:id`, also when the
 * handler threw. Mount paths are written in lower case, as Express matches them. A request that a mounted middleware answered
 * (`app.use("/static", express.static(…))`) is `/static/*`; one that nothing matched is `(unmatched)`. Inside a router
 * (`router.use(expressMetrics())`) the mount path around it is only known as the client wrote it: its ids are taken out by their looks.
 *
 * @example
 * const app = express();
 * app.use(expressMetrics({ ignore: (request) => request.url === "/healthz" }));
 * app.use(expressMetrics({ ignore: (request: express.Request) => request.path === "/healthz" })); // what Express adds, in TypeScript
 */
export function expressMetrics<Request extends IncomingMessage = IncomingMessage>(
  options: RouteOptions<Request> = {},
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  const metrics = sharedServerMetrics(options);
  const { ignore, route } = options;
  const routeOf: RouteOf<RouteTrail> = (trail) => route?.(trail.request as Request) ?? trail.template();
  return (request, response, next) => {
    if (!isIgnored(metrics, ignore, request)) {
      followExchange(metrics, request, response, routeOf, trailOf(request), true);
    }
    next();
  };
}

const trailKey = Symbol("nyanza.routeTrail");

type Trailed = ExpressRequest & { [trailKey]?: RouteTrail };

/** The trail of a request, laid when it is first asked for. */
function trailOf(request: ExpressRequest): RouteTrail {
  const trailed = request as Trailed;
  let trail = trailed[trailKey];
  if (trail === undefined) {
    trail = new RouteTrail(request);
    try {
      Object.defineProperties(request, accessors);
      trailed[trailKey] = trail;
    } catch {
      // A request that somebody has sealed: its route is read when the answer is out.
    }
  }
  return trail;
}

const accessors: PropertyDescriptorMap = {
  baseUrl: {
    configurable: true,
    enumerable: true,
    get(this: Trailed): unknown {
      return this[trailKey]?.baseUrl;
    },
    set(this: Trailed, value: unknown): void {
      this[trailKey]?.enter(value);
    },
  },
  route: {
    configurable: true,
    enumerable: true,
    get(this: Trailed): unknown {
      return this[trailKey]?.route;
    },
    set(this: Trailed, value: unknown): void {
      this[trailKey]?.match(value);
    },
  },
};

/** A mount path as the client wrote it, with those around it, and as templates. */
interface Mount {
  readonly url: string;
  readonly template: string;
}

const ROOT: Mount = { url: "", template: "" };

/** Which routers a request is in, and which route it has matched last. */
class RouteTrail {
  readonly request: ExpressRequest;
  baseUrl: unknown;
  route: unknown;
  #mount: Mount = ROOT;
  readonly #outer: Mount[] = [];
  #matched: string | null = null;

  constructor(request: ExpressRequest) {
    this.request = request;
    this.route = request.route;
    this.baseUrl = request.baseUrl;
    const url = typeof this.baseUrl === "string" ? this.baseUrl : "";
    // Begun inside a router: the params of its mount path are gone, only the look of the URL is left to go by.
    if (url !== "") this.#mount = { url, template: normalizeUrl(url).toLowerCase() };
  }

  /** A router has set `baseUrl`: to more than before when a request enters a mount path, to less when it leaves. */
  enter(baseUrl: unknown): void {
    this.baseUrl = baseUrl;
    const url = typeof baseUrl === "string" ? baseUrl : "";
    while (!isInside(url, this.#mount.url)) this.#mount = this.#outer.pop() ?? ROOT;
    if (url.length === this.#mount.url.length) return;
    const added = url.slice(this.#mount.url.length);
    this.#outer.push(this.#mount);
    this.#mount = { url, template: this.#mount.template + mountTemplate(added, this.request.params) };
  }

  match(route: unknown): void {
    this.route = route;
    this.#matched = route === undefined ? null : this.#mount.template + pathOf(route);
  }

  template(): string | undefined {
    // Matched before the trail was laid, or where it could not be.
    if (this.#matched === null && this.request.route !== undefined) this.match(this.request.route);
    if (this.#matched !== null) return this.#matched || "/";
    return this.#mount === ROOT ? undefined : `${this.#mount.template}/*`;
  }
}

function isInside(url: string, mountUrl: string): boolean {
  return (
    url.startsWith(mountUrl) && (mountUrl === "" || url.length === mountUrl.length || url[mountUrl.length] === "/")
  );
}

/** `/orgs/42` with the params `{ org: "42" }` is `/orgs/:org`. */
function mountTemplate(url: string, params: unknown): string {
  const values = typeof params === "object" && params !== null ? Object.entries(params) : [];
  const names = new Map(values.map(([name, value]) => [value, name]));
  return url
    .split("/")
    .map((segment) => {
      const name = names.get(decodeSegment(segment));
      return name === undefined ? segment.toLowerCase() : `:${name}`;
    })
    .join("/");
}

/** As Express does it for params; one that cannot be decoded never gets past its router. */
function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A route's own path: `"/:id"`, a list, or a pattern. */
function pathOf(route: unknown): string {
  const path: unknown = (route as { path?: unknown } | null)?.path;
  if (path === "/") return "";
  if (Array.isArray(path)) return path.map((one) => (one instanceof RegExp ? one.source : String(one))).join("|");
  return path instanceof RegExp ? path.source : typeof path === "string" ? path : "";
}
