/**
 * A page that plots this machine and this program: processors, memory, load, threads, sockets.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read=examples/pages --allow-sys=cpus,systemMemoryInfo,loadavg,hostname examples/dashboard.ts 8002
 *     npx -y deno@2.9.6 task example dashboard 8002
 *
 * It looks every second, or every so many milliseconds (`8002 250`). With `--once` it ends
 * when the last page has been closed. Open http://127.0.0.1:8002.
 */
import { readfile } from "@alilua/coevent/eio";
import { listen } from "@alilua/coevent/http";
import { signal } from "@alilua/coevent/process";
import { cpuusage, hostname, loadavg, meminfo, unwrap } from "@alilua/coevent/system";
import { list, newthread, type ThreadInfo } from "@alilua/coevent/thread";
import { hub, serve } from "@alilua/coevent/websocket";

const [port = "8002", interval = "1000"] = Deno.args;
const once = Deno.args.includes("--once");

/** One look at everything; sizes in bytes, shares from 0 to 1. */
interface Sample {
  at: number;
  cpu: number;
  cores: number[];
  memory: { used: number; total: number };
  load: number[];
  /** What this program holds. */
  own: number;
  threads: number;
  sockets: number;
}

/** What the pages are told: the past when they come, then look after look. */
type News =
  | { kind: "past"; host: string; interval: number; samples: Sample[] }
  | { kind: "sample"; sample: Sample; threads: ThreadInfo[] };

/** So many looks are kept, for the pages that come later. */
const KEPT = 120;
/** A table longer than this says nothing more. */
const ROWS = 50;

// A page that is slow misses a look, and is no worse off: the next one shows it all.
const viewers = hub<News>({ encode: JSON.stringify, slow: "skip", limit: 256 * 1024 });
const samples: Sample[] = [];

async function look(): Promise<Sample> {
  const usage = unwrap(await cpuusage(Number(interval)));
  const { total, available } = unwrap(meminfo());
  return {
    at: Date.now(),
    cpu: usage.busy,
    cores: usage.cores.map(({ busy }) => busy),
    memory: { used: total - available, total },
    load: unwrap(loadavg()),
    own: Deno.memoryUsage().rss,
    threads: list().length,
    sockets: page.connections,
  };
}

const page = serve(async function viewer(socket) {
  const past: News = { kind: "past", host, interval: Number(interval), samples };
  await socket.send(JSON.stringify(past));
  viewers.join(socket);
  // Pages have nothing to say; their end is what is waited for.
  for await (const _ of socket);
  if (once && page.connections === 1) void stop();
}, { origins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`], max_bytes: 1_024 });

/** What is served: the path, the file, and what it is. */
const FILES = [
  ["/", "dashboard.html", "text/html"],
  ["/dashboard.css", "dashboard.css", "text/css"],
  ["/dashboard.js", "dashboard.js", "text/javascript"],
] as const;

/** The page may load what is its own, and nothing else. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "img-src data:; base-uri 'none'; form-action 'none'";

const pages = new Map<string, () => Response>();
let host = "";
try {
  host = unwrap(hostname());
  samples.push(await look());
  for (const [path, file, type] of FILES) {
    const text = await unwrap(readfile(`examples/pages/${file}`, { encoding: "utf-8" }));
    const headers = { "content-type": `${type};charset=utf-8`, "content-security-policy": POLICY };
    pages.set(path, () => new Response(text, { headers }));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}

const [server, err] = await listen("127.0.0.1", Number(port), (req) => {
  if (req.path === "/ws") return page.fetch(req.request);
  return pages.get(req.path)?.() ?? new Response("Not here\n", { status: 404 });
});
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
console.log(`http://127.0.0.1:${port}`);

newthread(async function sampler() {
  for (;;) {
    const sample = await look();
    if (samples.push(sample) > KEPT) samples.shift();
    viewers.send({ kind: "sample", sample, threads: list().slice(0, ROWS) });
  }
});

/** Says goodbye to all pages, then stops. */
async function stop(): Promise<void> {
  await page.shutdown({ grace: 500 });
  await server!.shutdown({ grace: 100 });
  console.log(`${samples.length} looks`);
  Deno.exit();
}
signal.register("SIGINT", () => void stop());
