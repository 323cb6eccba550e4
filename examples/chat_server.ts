/**
 * A chat: the first line is a name, every other goes to all who are there; Ctrl-C says goodbye.
 *
 *     deno run --allow-net=127.0.0.1 examples/chat_server.ts 7001
 *     npx -y deno@2.9.6 task example chat_server 7001
 *
 * With `--once` it ends when the last one has left. Try it: `nc 127.0.0.1 7001`, twice.
 */
import { listen, type TcpSocket } from "@alilua/coevent/cosocket";
import { signal } from "@alilua/coevent/process";

const [port = "7001", mode] = Deno.args;
const present = new Map<TcpSocket, string>();

/** Whoever does not take it within two seconds is shown out; nobody waits for that. */
function tell(sock: TcpSocket, text: string): void {
  sock.send(`${text}\n`, { timeout: 2_000 }).then(([, err]) => {
    if (err) sock.close_immediately();
  });
}

function broadcast(text: string): void {
  console.log(text);
  for (const sock of present.keys()) tell(sock, text);
}

async function chat(sock: TcpSocket): Promise<void> {
  await sock.send("Your name?\n");
  const [name] = await sock.receive("*l", { timeout: 30_000, max: 100 });
  if (name === null) return;
  present.set(sock, name);
  broadcast(`* ${name} came`);
  try {
    for (;;) {
      const [line] = await sock.receive("*l", { timeout: 0, max: 2_000 });
      if (line === null) break;
      broadcast(`${name}: ${line}`);
    }
  } finally {
    present.delete(sock);
    broadcast(`* ${name} left`);
  }
  if (mode === "--once" && present.size === 0) await server!.close();
}

const [server, err] = await listen("127.0.0.1", Number(port));
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
signal.register("SIGINT", () => {
  broadcast("* the server stops");
  server.shutdown({ grace: 100 });
});
await server.autospawn(chat);
