import type { Shard, TcpSocket } from "../../context/mod.ts";

/** A worker's handler; each line is a way to live or to die. */
export default async function handler(sock: TcpSocket, shard: Shard): Promise<unknown> {
  for await (const line of sock.lines()) {
    if (line === "throw") throw new Error("thrown on request");
    if (line === "exit") Deno.exit(3);
    if (line === "spin") { for (;;); }
    if (line === "block" || line === "block, exit") {
      const [bell] = shard.inside.args as [Int32Array];
      Atomics.store(bell, 1, 1);
      Atomics.notify(bell, 1);
      Atomics.wait(bell, 0, 0);
      if (line === "block, exit") Deno.exit(3);
    }
    if (line === "tell") await shard.inside.parent.send(shard.inside.args);
    if (line === "wait") await shard.inside.recv();
    await sock.send([shard.index, " ", line, "\n"]);
  }
  return "the end";
}
