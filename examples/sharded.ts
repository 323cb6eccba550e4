/**
 * Echoes lines in a worker for each processor, all on one port; Ctrl-C leaves two seconds.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read=. examples/sharded.ts 7000
 *     npx -y deno@2.9.6 task example sharded 7000
 *
 * With `--once` it ends when its first client has left. Try it: `nc 127.0.0.1 7000`.
 */
import { inside, listen, type Shard, type TcpSocket } from "@alilua/coevent/context";
import { signal } from "@alilua/coevent/process";

/** Serves one connection, in a worker. */
export default async function echo(sock: TcpSocket, shard: Shard): Promise<void> {
  let count = 0;
  for await (const line of sock.lines()) {
    count += 1;
    await sock.send([line, "\n"]);
  }
  await shard.inside.parent.send(`worker ${shard.index} echoed ${count} lines`);
}

if (import.meta.main) {
  const [port = "7000", mode] = Deno.args;
  const options = { maxconnections: 1_000, timeout: 60_000 };
  const url = new URL(import.meta.url);
  const [server, err] = await listen("127.0.0.1", Number(port), url, options);
  if (err) {
    console.error(err.message);
    Deno.exit(1);
  }
  console.log(`${server.workers} workers listen on 127.0.0.1:${server.port}`);
  const stop = () => server.shutdown({ grace: 2_000 });
  for (const name of ["SIGINT", "SIGTERM"]) signal.register(name, stop);
  // Ends with the server: nobody is left then who could send.
  server.done.then(() => Deno.exit(0));
  for (;;) {
    const [message] = await inside<string>().recv();
    console.log(message?.value);
    if (mode === "--once") await stop();
  }
}
