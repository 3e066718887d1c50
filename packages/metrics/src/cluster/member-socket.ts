/**
 * How a process asks another one of its group for its state of this moment: it connects to the other's socket, writes one byte, and
 * reads a snapshot until the end.
 *
 * The socket also tells who lives: of a process that has ended the kernel refuses connections at once, of one that is busy it
 * takes them.
 */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { SNAPSHOT_BYTES_MAX } from "./snapshot.ts";

/** `bytes` as answered; "unreachable" if nobody listens, "failed" if who listens did not answer in time, or broke off. */
export type Answer = { readonly bytes: Buffer } | "unreachable" | "failed";

/** Answers whoever asks; keeps no process alive. */
export class QuestionListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answer: () => Promise<Buffer>;
  #isClosed = false;

  /** `answer` is called for each question. */
  constructor(answer: () => Promise<Buffer>) {
    this.#answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** @throws Error of the system if the address cannot be had */
  listen(address: string): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      // Exclusive: a worker of node:cluster would otherwise ask its primary to listen, and share.
      server.listen({ path: address, exclusive: true }, () => {
        server.off("error", reject);
        server.on("error", () => {});
        server.unref();
        resolve();
      });
    });
  }

  /** Nobody is answered any more when this returns, questions under way included. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    // Who asked has gone: nobody to tell.
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      this.#answer().then(
        (bytes) => (this.#isClosed ? socket.destroy() : socket.end(bytes)),
        () => socket.destroy(),
      );
    });
  }
}

/** Asks the process that listens at `address`. Never rejects. */
export function ask(address: string, timeoutMs: number): Promise<Answer> {
  return talk(address, timeoutMs, (socket, finish) => {
    const chunks: Buffer[] = [];
    let length = 0;
    socket.write("?");
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > SNAPSHOT_BYTES_MAX) finish("failed");
    });
    socket.on("end", () => finish(length === 0 ? "failed" : { bytes: Buffer.concat(chunks, length) }));
  });
}

/** True if somebody listens at `address`, busy or not. Never rejects. */
export async function isListening(address: string, timeoutMs: number): Promise<boolean> {
  const answer = await talk(address, timeoutMs, (_, finish) => finish("failed"));
  return answer !== "unreachable";
}

/**
 * Where the process `id` of the group in `directory` listens. Names of sockets are short: in a deep directory it stands beside the group's,
 * under a hash; a longer name would be cut without a word.
 */
export function socketAddress(directory: string, id: string): string {
  const hash = createHash("sha256").update(`${directory}/${id}`).digest("hex").slice(0, 16);
  if (process.platform === "win32") return `\\\\.\\pipe\\nyanza-${hash}`;
  const path = join(directory, `${id}.sock`);
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX ? path : `/tmp/nyanza-${hash}.sock`;
}

export function removeSocket(directory: string, id: string): void {
  if (process.platform !== "win32") rmSync(socketAddress(directory, id), { force: true });
}

const SOCKET_PATH_BYTES_MAX = 100;
const CONNECTIONS_MAX = 256;
const IDLE_MS = 10_000;

function talk(
  address: string,
  timeoutMs: number,
  onConnect: (socket: Socket, finish: (answer: Answer) => void) => void,
): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish("failed"), timeoutMs);
    socket.on("connect", () => onConnect(socket, finish));
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      finish(code === "ENOENT" || code === "ECONNREFUSED" ? "unreachable" : "failed");
    });
    socket.on("close", () => finish("failed"));
  });
}
