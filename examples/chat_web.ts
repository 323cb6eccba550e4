/**
 * A chat in the browser: whoever has the page open sees what anybody says, over WebSocket.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read=examples/pages examples/chat_web.ts 8001
 *     npx -y deno@2.9.6 task example chat_web 8001
 *
 * With `--once` it ends when the last one has left. Open http://127.0.0.1:8001, twice.
 */
import { readfile } from "@alilua/coevent/eio";
import { listen } from "@alilua/coevent/http";
import { signal } from "@alilua/coevent/process";
import { hub, type Message, type MessageSocket, serve } from "@alilua/coevent/websocket";

const [port = "8001", mode] = Deno.args;

/** What the pages are told. */
type News =
  | { kind: "said"; name: string; text: string; at: number }
  | { kind: "came" | "left"; name: string; here: string[] }
  | { kind: "welcome"; name: string; here: string[]; said: News[] };

/** A page that does not take half a megabyte is shown out; nobody waits for it. */
const room = hub<News>({ encode: JSON.stringify, limit: 512 * 1024 });
const names = new Map<MessageSocket, string>();
const here = () => [...names.values()];
/** The latest lines, for who comes in. */
const said: News[] = [];

/** The text in a field of what a page has sent; `null` for anything else. */
function field(message: Message | null, key: string, longest: number): string | null {
  if (typeof message !== "string") return null;
  try {
    const text: unknown = JSON.parse(message)?.[key];
    return typeof text === "string" ? text.trim().slice(0, longest) || null : null;
  } catch {
    return null;
  }
}

/** A name that nobody has yet. */
function free(name: string): string {
  for (let n = 1;; n++) {
    const tried = n === 1 ? name : `${name} ${n}`;
    if (!here().includes(tried)) return tried;
  }
}

const chat = serve(async (socket) => {
  const [hello] = await socket.receive({ timeout: 60_000 });
  const asked = field(hello, "name", 24);
  if (asked === null) return;
  const name = free(asked);
  names.set(socket, name);
  await socket.send(JSON.stringify({ kind: "welcome", name, here: here(), said }));
  room.send({ kind: "came", name, here: here() });
  room.join(socket);
  console.log(`* ${name} came`);
  try {
    for await (const message of socket) {
      const text = field(message, "text", 500);
      if (text === null) continue;
      const line: News = { kind: "said", name, text, at: Date.now() };
      if (said.push(line) > 100) said.shift();
      room.send(line);
      console.log(`${name}: ${text}`);
    }
  } finally {
    names.delete(socket);
    room.send({ kind: "left", name, here: here() });
    console.log(`* ${name} left`);
    if (mode === "--once" && names.size === 0) void stop();
  }
}, {
  // Also against a name of somebody else's that leads to this machine.
  origins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`],
  max_bytes: 64 * 1024,
});

/** What is served: the path, the file, and what it is. */
const FILES = [
  ["/", "chat.html", "text/html"],
  ["/chat.css", "chat.css", "text/css"],
  ["/chat.js", "chat.js", "text/javascript"],
] as const;

/** The page may load what is its own, and nothing else. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "img-src data:; base-uri 'none'; form-action 'none'";

const pages = new Map<string, () => Response>();
for (const [path, file, type] of FILES) {
  const [text, err] = await readfile(`examples/pages/${file}`, { encoding: "utf-8" });
  if (err) {
    console.error(err.message);
    Deno.exit(1);
  }
  const headers = { "content-type": `${type};charset=utf-8`, "content-security-policy": POLICY };
  pages.set(path, () => new Response(text, { headers }));
}

const [server, err] = await listen("127.0.0.1", Number(port), (req) => {
  if (req.path === "/ws") return chat.fetch(req.request);
  return pages.get(req.path)?.() ?? new Response("Not here\n", { status: 404 });
});
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
console.log(`http://127.0.0.1:${port}`);

/** Says goodbye to all pages, then stops. */
async function stop(): Promise<void> {
  await chat.shutdown({ grace: 500 });
  await server!.shutdown({ grace: 100 });
  Deno.exit();
}
signal.register("SIGINT", () => void stop());
