import { type Inside, listen } from "../../context/mod.ts";

/** Listens with two workers, tells the port and who they are, and ends when it is told to. */
export default async function owner(inside: Inside<string, number[]>): Promise<void> {
  const url = new URL("./shard.ts", import.meta.url);
  const [server, err] = await listen("127.0.0.1", 0, url, { workers: 2, inside });
  if (err) throw err;
  const [message] = await inside.recv();
  const [rows] = await server.counts();
  inside.reply(message!, [server.port, ...rows!.map(({ id }) => id)]);
  await inside.recv();
}
