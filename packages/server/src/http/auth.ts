/** Checks a caller against its route's auth class, without telling by the time it takes how much of a secret was right. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestArguments } from "./arguments.ts";
import type { HttpRequest } from "./exchange.ts";
import type { AuthClass } from "./routes.ts";

export interface AuthOptions {
  readonly username: string;
  /** "" allows the empty password. Asked for at each request: secrets in files change. */
  readonly password: () => string;
  /** Key of each class that has one; "" falls back to basic authentication. */
  readonly keys: Readonly<Record<Exclude<AuthClass, "public" | "basic">, () => string>>;
}

export type AuthVerdict = "ok" | "wrong basic auth" | "missing authKey" | "wrong authKey";

export function checkAuth(
  auth: AuthClass,
  request: HttpRequest,
  args: RequestArguments,
  options: AuthOptions,
): AuthVerdict {
  if (auth === "public") return "ok";
  if (auth !== "basic") {
    const key = options.keys[auth]();
    if (key !== "") {
      const given = args.get("authKey");
      if (given === "") return "missing authKey";
      return isSameSecret(given, key) ? "ok" : "wrong authKey";
    }
  }
  if (options.username === "") return "ok";
  const match = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(request.headers.authorization ?? "");
  const given = Buffer.from(match?.[1] ?? "", "base64").toString("utf8");
  const wanted = `${options.username}:${options.password()}`;
  return match !== null && isSameSecret(given, wanted) ? "ok" : "wrong basic auth";
}

function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
