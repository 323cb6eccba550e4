/**
 * The other side of the socket benches, in plain Deno, in a process of its own, so that
 * it costs all contenders the same. The first byte of a connection says what it is for.
 */

/** What a connection is for: its first byte. */
export const PURPOSE = { echo: 1, lines: 2, bytes: 3, sink: 4, hello: 5 } as const;

/** The lines that a connection for lines sends. */
export const LINES = { count: 200_000, length: 60 };

/** How many bytes a connection for bytes sends, and one for a sink takes. */
export const BULK = 256 * 1024 * 1024;

/** The peer while it runs. */
export interface Peer extends AsyncDisposable {
  port: number;
}

/** Starts the peer. */
export async function startPeer(): Promise<Peer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net=127.0.0.1", "--no-check", new URL(import.meta.url).pathname],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill();
      await reader.cancel();
      await child.status;
    },
  };
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(64 * 1024);
  const first = new Uint8Array(1);
  if (await conn.read(first) === null) return;
  if (first[0] === PURPOSE.echo) {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      await writeAll(conn, buffer.subarray(0, count));
    }
  }
  if (first[0] === PURPOSE.lines) {
    const line = "x".repeat(LINES.length - 1) + "\n";
    const some = new TextEncoder().encode(line.repeat(1_000));
    for (let sent = 0; sent < LINES.count; sent += 1_000) await writeAll(conn, some);
  } else if (first[0] === PURPOSE.bytes) {
    for (let sent = 0; sent < BULK; sent += buffer.length) await writeAll(conn, buffer);
  } else if (first[0] === PURPOSE.sink) {
    for (let taken = 0; taken < BULK;) taken += await conn.read(buffer) ?? BULK;
    await conn.write(first);
  } else if (first[0] === PURPOSE.hello) {
    await conn.write(first);
    await conn.read(first);
  }
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(listener.addr.port);
  for await (const conn of listener) {
    serve(conn).catch(() => {}).finally(() => conn.close());
  }
}
