/** Servers for the tests, made of plain Deno, and what a test asks of them. */
import { assertEquals } from "@std/assert";
import { pool_close, type TcpSocket, unwrap } from "../../cosocket/mod.ts";

/** A turn of the event loop. */
export const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** A server whose connections `serve` handles; all are closed with it. */
export function serve(handler: (conn: Deno.TcpConn) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns = new Set<Deno.TcpConn>();
  const handlers: Promise<void>[] = [];
  let most = 0;
  // One that was reset before its turn throws when it is accepted, and is no reason to end.
  const accept = () =>
    listener.accept().catch((error) => {
      if (error instanceof Deno.errors.NotConnected) return null;
      if (["BadResource", "Interrupted"].includes(error.name)) return undefined;
      throw error;
    });
  const accepting = (async () => {
    for (let conn = await accept(); conn !== undefined; conn = await accept()) {
      if (conn === null) continue;
      conns.add(conn);
      most = Math.max(most, conns.size);
      handlers.push(
        handler(conn).catch(() => {}).finally(() => {
          conns.delete(conn);
          try {
            conn.close();
          } catch {
            // The handler has closed it.
          }
        }),
      );
    }
  })();
  return {
    port: listener.addr.port,
    conns,
    /** The most connections that were open at a time. */
    get most() {
      return most;
    },
    async [Symbol.asyncDispose]() {
      await pool_close();
      listener.close();
      for (const conn of conns) {
        try {
          conn.close();
        } catch {
          // The handler has closed it.
        }
      }
      await accepting;
      await Promise.all(handlers);
    },
  };
}

/** Sends back what comes. */
export async function echo(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(4_096);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return;
    await conn.write(buffer.subarray(0, count));
  }
}

/** Sends a line and receives it back. */
export async function ask(sock: TcpSocket, text: string): Promise<void> {
  await unwrap(sock.send(`${text}\n`));
  assertEquals(await sock.receive(), [text, null]);
}

/** The port that a socket goes out from. */
export function portOf(sock: TcpSocket): number {
  const address = unwrap(sock.localaddr());
  return address!.family === "tcp" ? address!.port : 0;
}

/**
 * The sockets that the kernel shows as ESTABLISHED to a port, seen from the client. While
 * its table is read, rows move, and one may stand in it twice: each counts once.
 */
export function established(port: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = Deno.readTextFileSync("/proc/net/tcp").split("\n")
    .map((row) => row.trim().split(/\s+/))
    .filter((row) => row[2] === remote && row[3] === "01");
  return new Set(rows.map((row) => row[1])).size;
}

/** Holds the event loop up. */
export function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** A peer in a thread of its own: it writes while our event loop is held up. */
export async function otherThread() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("writer_thread.ts", import.meta.url), { type: "module" });
  worker.postMessage({ port: listener.addr.port, asked });
  const conn = await listener.accept();
  listener.close();
  const from = conn.remoteAddr.port.toString(16).toUpperCase().padStart(4, "0");
  const arrived = () =>
    Deno.readTextFileSync("/proc/net/tcp").split("\n")
      .map((row) => row.trim().split(/\s+/))
      .some((row) => row[2] === `0100007F:${from}` && !row[4]!.endsWith(":00000000"));
  return {
    conn,
    /** Holds the loop up so long, and until the kernel has a line of the other thread's. */
    spinUntilArrived(ms: number): void {
      Atomics.add(asked, 0, 1);
      Atomics.notify(asked, 0);
      const start = performance.now();
      while (!arrived()) if (performance.now() - start > 5_000) throw new Error("no line came");
      while (performance.now() - start < ms);
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}
