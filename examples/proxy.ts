/**
 * Forwards connections to another server, both ways; each side's end is passed on by itself.
 *
 *     deno run --allow-net=127.0.0.1 examples/proxy.ts 7003 127.0.0.1 6379
 *     npx -y deno@2.9.6 task example proxy 7003 127.0.0.1 6379
 *
 * With `--once` it ends after its first connection.
 */
import { connect, listen, type TcpSocket } from "@alilua/coevent/cosocket";
import { newthread, wait } from "@alilua/coevent/thread";

const [port = "7003", host = "127.0.0.1", target = "6379", mode] = Deno.args;

/** Carries one direction to its end, and passes the end on; gives the number of bytes. */
async function carry(from: TcpSocket, to: TcpSocket): Promise<number> {
  for (let total = 0;;) {
    // The next piece is read when the last one is sent: a slow reader slows its writer down.
    const [piece, err] = await from.receiveany(65_536, { timeout: 0 });
    if (piece === null && err === null) {
      await to.shutdown("send");
      return total;
    }
    const [sent] = piece === null ? [null] : await to.send(piece);
    if (sent === null) {
      // A broken side breaks the other, and the way back ends by that.
      from.close_immediately();
      to.close_immediately();
      return total;
    }
    total += sent;
  }
}

const [server, err] = await listen("127.0.0.1", Number(port));
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
await server.autospawn(async (client) => {
  const [upstream, err] = await connect(host, Number(target), { timeout: 5_000 });
  if (err) console.error(err.message);
  else {
    await using _ = upstream;
    const [[up], [down]] = await wait([
      newthread(carry, client, upstream),
      newthread(carry, upstream, client),
    ]);
    console.log(`${up ?? 0} bytes up, ${down ?? 0} bytes down`);
  }
  if (mode === "--once") await server.close();
});
