/**
 * `deno task demo`: aLiLua's two README programs against a real server, then three
 * promises broken on purpose, and each one held.
 */
import { connect, pool_close, tcp } from "@alilua/coevent/cosocket";
import { kill, newthread, sleep, unwrap, wait } from "@alilua/coevent/thread";

const bold = (text: string) => Deno.noColor ? text : `\x1b[1m${text}\x1b[0m`;
const dim = (text: string) => Deno.noColor ? text : `\x1b[2m${text}\x1b[0m`;

function heading(text: string): void {
  console.log(`\n${bold(text)}\n${"-".repeat(text.length)}`);
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/no-line-feed") return new Response("a first line\nand a last one without");
  return new Response(`this is ${pathname}\nand it ends in a line feed\n`);
});
const { port } = server.addr;

/** Shows an example's source beside what it prints. */
async function show(name: string, ...args: string[]): Promise<void> {
  const file = `examples/${name}.ts`;
  const flag = `--allow-net=127.0.0.1:${port}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", flag, file, ...args],
    stdout: "piped",
    stderr: "inherit",
  });
  const source = (await Deno.readTextFile(file)).split("*/\n")[1]!.trimEnd().split("\n");
  const { stdout, success } = await child.output();
  const output = new TextDecoder().decode(stdout).trimEnd().split("\n");
  console.log(dim(`$ deno run ${flag} ${file} ${args.join(" ")}\n`));
  const width = Math.max(...source.map((line) => line.length)) + 2;
  for (let row = 0; row < Math.max(source.length, output.length); row++) {
    console.log(`${dim((source[row] ?? "").padEnd(width))}| ${output[row] ?? ""}`);
  }
  if (!success) throw new Error(`${file} failed`);
}

heading("aLiLua's single loop, for a body that ends in a line feed");
await show("single_loop", "127.0.0.1", String(port), "/");

heading("The same for a body that does not: aLiLua drops the rest in silence");
await show("single_loop", "127.0.0.1", String(port), "/no-line-feed");

heading("aLiLua's multi loop: a thread a page");
await show("multi_loop", "127.0.0.1", String(port), "/one", "/two", "/three");
await server.shutdown();

heading("Promise 1: a receive that fails consumes nothing");
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const text = new TextEncoder();
{
  const accepted = listener.accept();
  const sock = await unwrap(connect("127.0.0.1", listener.addr.port));
  const peer = await accepted;
  console.log('the peer sends "hel" and stops');
  await peer.write(text.encode("hel"));
  const [, err] = await sock.receive("*l", { timeout: 50 });
  console.log(`receive, 50 ms:    ${err?.code}, and ${sock.pending} bytes are kept`);
  console.log('the peer sends "lo"');
  await peer.write(text.encode("lo\n"));
  console.log(`receive:           "${await unwrap(sock.receive("*l"))}"`);
  peer.close();
  await sock.close();
}

heading("Promise 2: the pool hands out no dead or dirty socket");
{
  const sock = tcp();
  let accepted = listener.accept();
  await unwrap(sock.connect("127.0.0.1", listener.addr.port, 2));
  const poisoned = await accepted;
  sock.trace((line) => console.log(dim(`wire log: ${line}`)));
  await poisoned.write(text.encode("ready\n"));
  await unwrap(sock.receive());
  unwrap(sock.setkeepalive(2));
  console.log("the socket rests in the pool, and the peer sends a stray answer to nobody");
  await poisoned.write(text.encode("stray\n"));
  await sleep(20);
  accepted = listener.accept();
  await unwrap(sock.connect("127.0.0.1", listener.addr.port, 2));
  const fresh = await accepted;
  console.log(`the next connect got a fresh socket: reused ${sock.getreusedtimes()} times`);
  fresh.close();
  poisoned.close();
  await sock.close();
  await pool_close();
}

heading("Promise 3: whatever dies tells you, and a kill loses not a byte");
{
  const accepted = listener.accept();
  const sock = await unwrap(connect("127.0.0.1", listener.addr.port));
  const peer = await accepted;
  const reader = newthread(() => sock.receive("*l"));
  await peer.write(text.encode("half a li"));
  await sleep(20);
  console.log(`the reader is in:  ${reader.state.replace(/:\d+/, "")}`);
  kill(reader, "demo");
  const [, err] = await wait(reader);
  console.log(`who waits for it:  ${err?.code}, ${err?.message}`);
  await peer.write(text.encode("ne\n"));
  console.log(`the next receive:  "${await unwrap(sock.receive("*l"))}"`);
  peer.close();
  await sock.close();
}
listener.close();

heading("Open next");
console.log("README.md              what it is, how to install it, the modules");
console.log("examples/redis_ping.ts a protocol and a pool in a screenful");
console.log("docs/architecture.md   the life of one receive(), and the invariants");
