/** `-httpListenAddr` texts: `:8428`, `127.0.0.1:8428`, `[::1]:8428`, `localhost:0`. */

export interface ListenAddress {
  /** "" for every address of the machine. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** @throws Error that says what was wanted */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Error(`-httpListenAddr: want host:port such as :8428 or 127.0.0.1:8428, got ${JSON.stringify(text)}`);
  }
  return { host: match[1] ?? (match[2] as string), port };
}
