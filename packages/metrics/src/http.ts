/** HTTP servers, frameworks and clients, recorded. Start reading at http/node-server.ts; http/exchange.ts is what they share. */
export type { ClientMetricsOptions, ClientRequest } from "./http/client-metrics.ts";
export { expressMetrics } from "./http/express.ts";
export { type FastifyLike, type FastifyRequestLike, fastifyMetrics } from "./http/fastify.ts";
export { type FetchLike, fetchWithMetrics } from "./http/fetch-wrapper.ts";
export { type KoaContextLike, koaMetrics } from "./http/koa.ts";
export {
  httpMetrics,
  type Instrumentation,
  instrumentServer,
  type NodeHandler,
  type NodeServerOptions,
} from "./http/node-server.ts";
export type { RouteOptions, ServerMetricsOptions } from "./http/options.ts";
export { instrumentFetch } from "./http/undici-hook.ts";
