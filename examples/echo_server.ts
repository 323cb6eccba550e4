/**
 * Sends every line back, to a thousand clients at a time; Ctrl-C leaves them two seconds.
 *
 *     deno run --allow-net=127.0.0.1 examples/echo_server.ts 7000
 *     npx -y deno@2.9.6 task example echo_server 7000
 *
 * With `--once` it ends when its first client has left. Try it: `nc 127.0.0.1 7000`.
 */
import { listen, type TcpSocket } from "@alilua/coevent/cosocket";
import { signal } from "@alilua/coevent/process";

const [port = "7000", mode] = Deno.args;

const options = { maxconnections: 1_000, timeout: 60_000 };
const [server, err] = await listen("127.0.0.1", Number(port), options);
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
console.log(`listening on 127.0.0.1:${server.port}`);
const stop = () => server.shutdown({ grace: 2_000 });
for (const name of ["SIGINT", "SIGTERM"]) signal.register(name, stop);

async function echo(sock: TcpSocket): Promise<void> {
  for (let count = 0;; count++) {
    const [line, err] = await sock.receive("*l");
    if (line === null) {
      console.log(`${count} lines, then ${err ? err.message : "the end"}`);
      break;
    }
    // A client that does not read holds up its own thread, nobody else's.
    await sock.send([line, "\n"]);
  }
  if (mode === "--once") await stop();
}

await server.autospawn(echo);
