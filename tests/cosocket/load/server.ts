/**
 * A server that echoes lines, for tests of many connections; it tells about itself on the
 * line `stats`. It prints its port.
 */
import { listen, type TcpSocket, unwrap } from "../../../cosocket/mod.ts";

/** What the server tells, as one line of JSON. */
export interface Stats {
  connections: number;
  rss: number;
  heap: number;
  descriptors: number;
}

declare const gc: () => void;

async function stats(): Promise<Stats> {
  // Twice, with a turn in between: finalizers run in their own.
  for (let n = 0; n < 2; n++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const { rss, heapUsed } = Deno.memoryUsage();
  const descriptors = [...Deno.readDirSync("/proc/self/fd")].length;
  return { connections: server.connections, rss, heap: heapUsed, descriptors };
}

async function serve(sock: TcpSocket): Promise<void> {
  for (;;) {
    const [line] = await sock.receive("*l", { timeout: 0 });
    if (line === null) return;
    await sock.send([line === "stats" ? JSON.stringify(await stats()) : line, "\n"]);
  }
}

// The runtime opens a pair of sockets for signals when it first needs one: it has them now.
Deno.addSignalListener("SIGUSR2", () => {});
const server = await unwrap(listen("0.0.0.0", 0));
console.log(server.port);
await server.autospawn(serve);
