/**
 * HTTP as the peers speak it: bodies go out and come in as they are, nothing is compressed, followed or retried.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** `body` as UTF-8. */
  readonly text: string;
}

export interface HttpOptions {
  /** POST when there is a body, else GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly agent?: Agent;
}

// Servers hang up on connections that were idle for a minute: one must not be taken up again at that moment.
const sharedAgent = new Agent({ keepAlive: true, maxSockets: 16, timeout: 30_000 });
// An idle connection must not keep a test process alive.
sharedAgent.on("free", (socket: { unref?: () => void }) => socket.unref?.());

/** Any status is an answer; rejects only when there is none. */
export function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { body } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method: options.method ?? (body === undefined ? "GET" : "POST"),
        agent: options.agent ?? sharedAgent,
        headers: {
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            get text() {
              return whole.toString("utf8");
            },
          });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The body of a 200 answer as JSON. @throws Error with the body for any other status. */
export async function getJson<T>(url: string, options: HttpOptions = {}): Promise<T> {
  const answer = await http(url, options);
  if (answer.status !== 200) throw new Error(`${url}: status ${answer.status}: ${answer.text.slice(0, 500)}`);
  return JSON.parse(answer.text) as T;
}

/**
 * Sends raw bytes over TCP and returns what came back until the other side closed, or until `msMax` ms. For requests
 * that no HTTP library would make.
 */
export function sendRaw(url: string, bytes: Uint8Array | string, msMax = 3000): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(Number(port), hostname);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(finish, msMax);
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => {
      received = (received + chunk.toString("latin1")).slice(0, 1 << 20);
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}
