import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import KoaRouter from "@koa/router";
import express from "express";
import fastify from "fastify";
import Koa from "koa";
import { Readings } from "../app/manual-reader.test.support.ts";
import { expressMetrics } from "./express.ts";
import { fastifyMetrics } from "./fastify.ts";
import { koaMetrics } from "./koa.ts";
import { instrumentServer } from "./node-server.ts";
import { ask, assertRequests, exchangeBytes, withServer } from "./servers.test.support.ts";

type Handler = express.RequestHandler;

const ok: Handler = (_request, response) => {
  response.send("ok");
};
const fail: Handler = () => {
  throw new Error("boom");
};
const quiet: express.ErrorRequestHandler = (_error, _request, response, _next) => {
  response.status(500).send("sorry");
};

test("Express: routes with the mount paths of their routers", async () => {
  const readings = new Readings();
  const app = express();
  app.use(expressMetrics({ meter: readings.meter }));
  const users = express.Router();
  users.get("/", ok);
  users.get("/:id", ok);
  users.get("/:id/fail", fail);
  users.get("/:id/reject", async () => {
    throw new Error("boom");
  });
  const orgs = express.Router();
  orgs.use("/:org/users", users);
  orgs.all(["/one", "/two"], ok);
  orgs.get(/^\/r\d+$/, ok);
  app.get("/", ok);
  app.use("/API/orgs", orgs);
  app.use("/static", ok);
  app.use("/guarded", (_request, response, next) => {
    if (_request.headers.authorization === undefined) response.status(401).end();
    else next();
  });
  app.get("/guarded/thing", ok);
  const inner = express();
  inner.get("/deep/:x", ok);
  app.use("/sub/:app", inner);
  app.use(quiet);
  await withServer(createServer(app), async (port) => {
    await ask(port, "/");
    await ask(port, "/api/orgs/acme/users");
    await ask(port, "/API/orgs/b%C3%BCro/users/17?x=/y");
    await ask(port, "/aPi/orgs/acme/users/18/fail");
    await ask(port, "/api/orgs/acme/users/19/reject");
    await ask(port, "/api/orgs/two", { method: "PUT" });
    await ask(port, "/api/orgs/r77");
    await ask(port, "/api/orgs/acme/users/19/nothing");
    await ask(port, "/static/logo.png");
    await ask(port, "/guarded/thing");
    await ask(port, "/guarded/thing", { headers: { authorization: "yes" } });
    await ask(port, "/sub/one/deep/2");
    await ask(port, "/nowhere", { method: "DELETE" });
    await ask(port, "/api/orgs/%ff/users/1");
    await assertRequests(readings, {
      "GET / 200": 1,
      "GET /api/orgs/:org/users 200": 1,
      "GET /api/orgs/:org/users/:id 200": 1,
      "GET /api/orgs/:org/users/:id/fail 500": 1,
      "GET /api/orgs/:org/users/:id/reject 500": 1,
      "PUT /api/orgs/one|/two 200": 1,
      "GET /api/orgs^\\/r\\d+$ 200": 1,
      "GET (unmatched) 404": 1,
      "GET /static/* 200": 1,
      "GET /guarded/* 401": 1,
      "GET /guarded/thing 200": 1,
      "GET /sub/:app/deep/:x 200": 1,
      "DELETE (unmatched) 404": 1,
      "GET (unmatched) 500": 1,
    });
  });
  await readings.close();
});

test("Express: the request looks as it did", async () => {
  const readings = new Readings();
  const seen: unknown[] = [];
  const app = express();
  const look: Handler = (request, response) => {
    seen.push([request.baseUrl, request.route.path, request.params, Object.keys(request).includes("route")]);
    response.end();
  };
  const router = express.Router({ mergeParams: true });
  router.get("/b/:y", look);
  // Mounted in the router and outside of it: one record.
  router.use(expressMetrics({ meter: readings.meter }));
  router.get("/c/:z", look);
  app.use(
    expressMetrics({
      meter: readings.meter,
      route: (request) => (request.url?.includes("named") ? "/named" : undefined),
    }),
  );
  app.use("/a/:x", router);
  const server = createServer(app);
  instrumentServer(server, { meter: readings.meter });
  await withServer(server, async (port) => {
    await ask(port, "/a/1/b/2");
    await ask(port, "/a/1/c/3");
    await ask(port, "/a/1/c/named");
    await assertRequests(readings, { "GET /a/:x/b/:y 200": 1, "GET /a/:x/c/:z 200": 1, "GET /named 200": 1 });
  });
  assert.deepEqual(seen, [
    ["/a/1", "/b/:y", { x: "1", y: "2" }, true],
    ["/a/1", "/c/:z", { x: "1", z: "3" }, true],
    ["/a/1", "/c/:z", { x: "1", z: "named" }, true],
  ]);
  await readings.close();
});

test("Express: metrics only inside a router", async () => {
  const readings = new Readings();
  const app = express();
  const router = express.Router();
  router.use(expressMetrics({ meter: readings.meter }));
  router.get("/users/:id", ok);
  app.get("/before", ok);
  app.use("/v1/:tenant", router);
  await withServer(createServer(app), async (port) => {
    await ask(port, "/before");
    await ask(port, "/v1/42/users/3");
    await ask(port, "/v1/acme/nothing");
    await assertRequests(readings, { "GET /v1/:id/users/:id 200": 1, "GET (unmatched) 404": 1 });
  });
  await readings.close();
});

test("Fastify: routes of all scopes, also those declared before", async () => {
  const readings = new Readings();
  const app = fastify();
  app.get("/before/:id", async () => "ok");
  app.register(fastifyMetrics, { meter: readings.meter, ignore: (request) => request.raw.url === "/healthz" });
  app.register(
    async (scope) => {
      scope.get("/users/:id", async () => "ok");
      scope.post("/users", async (request) => request.body);
      scope.get("/fail", async () => {
        throw new Error("boom");
      });
      scope.get("/file/*", async (_request, reply) => {
        reply.code(204);
      });
      scope.get("/guarded", {
        preHandler: async (_request, reply) => {
          await reply.code(403).send("no");
        },
        handler: async () => "never",
      });
    },
    { prefix: "/api" },
  );
  app.get("/healthz", async () => "ok");
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as { port: number };
  await ask(port, "/before/1");
  await ask(port, "/api/users/2");
  await ask(port, "/api/users/2", { method: "HEAD" });
  await ask(port, "/api/users", {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "7" },
    body: '{"a":1}',
  });
  await ask(port, "/api/users", {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "1" },
    body: "{",
  });
  await ask(port, "/api/fail");
  await ask(port, "/api/file/a/b/c");
  await ask(port, "/api/guarded");
  await ask(port, "/healthz");
  await ask(port, "/nowhere/77");
  await ask(port, "/api/users/%zz");
  await assertRequests(readings, {
    "GET /before/:id 200": 1,
    "GET /api/users/:id 200": 1,
    "HEAD /api/users/:id 200": 1,
    "POST /api/users 200": 1,
    "POST /api/users 400": 1,
    "GET /api/fail 500": 1,
    "GET /api/file/* 204": 1,
    "GET /api/guarded 403": 1,
    "GET (unmatched) 404": 1,
  });
  // Without a socket too: what tests of Fastify applications do.
  await app.inject({ url: "/before/2" });
  assert.equal((await readings.values("http_requests_total"))["method=GET,path=/before/:id,status_code=200"], 2);
  await app.close();
  await readings.close();
});

test("Fastify: what it answers before any hook is seen by its server", async () => {
  const readings = new Readings();
  const app = fastify();
  app.register(fastifyMetrics, { meter: readings.meter });
  instrumentServer(app.server, { meter: readings.meter });
  app.get("/users/:id", async () => "ok");
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as { port: number };
  await ask(port, "/users/1");
  await ask(port, "/users/%zz");
  await assertRequests(readings, { "GET /users/:id 200": 1, "GET (unmatched) 400": 1 });
  await app.close();
  await readings.close();
});

test("options see what the framework adds to a request", async () => {
  const readings = new Readings();
  const { meter } = readings;
  const app = express();
  app.use(expressMetrics({ meter, route: (request: express.Request) => `express ${request.path}` }));
  app.get("/a", ok);
  const koa = new Koa();
  koa.use(koaMetrics({ meter, route: (context: Koa.Context) => `koa ${context.path}` }));
  await withServer(createServer(app), async (port) => void (await ask(port, "/a?x")));
  await withServer(createServer(koa.callback()), async (port) => void (await ask(port, "/a?x")));
  await assertRequests(readings, { "GET express /a 200": 1, "GET koa /a 404": 1 });
  await readings.close();
});

test("Koa: routes of @koa/router, prefixed and nested", async () => {
  const readings = new Readings();
  const app = new Koa();
  app.silent = true;
  app.use(koaMetrics({ meter: readings.meter }));
  app.use(async (context, next) => {
    if (context.path === "/early") throw new Error("before any router");
    await next();
  });
  const users = new KoaRouter();
  users.get("/:id", (context) => {
    context.body = "ok";
  });
  users.get("/:id/fail", () => {
    throw new Error("boom");
  });
  const router = new KoaRouter({ prefix: "/api" });
  router.use("/guarded", (context) => {
    context.status = 401;
  });
  router.get("/guarded/thing", (context) => {
    context.body = "never";
  });
  router.use("/users", users.routes());
  router.get(/^\/r\d+$/, (context) => {
    context.body = "ok";
  });
  app.use(router.routes()).use(router.allowedMethods());
  await withServer(createServer(app.callback()), async (port) => {
    await ask(port, "/api/users/1");
    await ask(port, "/api/users/2/fail");
    await ask(port, "/api/guarded/thing");
    await ask(port, "/api/users/1", { method: "DELETE" });
    await ask(port, "/nowhere");
    await ask(port, "/early");
    await assertRequests(readings, {
      "GET /api/users/:id 200": 1,
      "GET /api/users/:id/fail 500": 1,
      "GET /api/guarded/thing 401": 1,
      "DELETE (unmatched) 405": 1,
      "GET (unmatched) 404": 1,
      "GET (unmatched) 500": 1,
    });
  });
  await readings.close();
});

test("frameworks: hostile requests", async () => {
  const readings = new Readings();
  const app = express();
  app.use(
    expressMetrics({
      meter: readings.meter,
      route: () => {
        throw new Error("boom");
      },
    }),
  );
  app.get("/:x", ok);
  app.use(((_error, _request, response, _next) => {
    response.status(400).end();
  }) satisfies express.ErrorRequestHandler);
  await withServer(createServer(app), async (port) => {
    for (const path of ["/__proto__", "/%", "/%00", '/a"b', "/constructor?__proto__=1"]) {
      await exchangeBytes(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    }
    await assertRequests(readings, { "GET (unmatched) 200": 4, "GET (unmatched) 400": 1 });
  });
  assert.deepEqual(await readings.values("metrics_callback_errors_total"), { "callback=route": 5 });
  await readings.close();
});
