/**
 * Run without any permission by no_permission_test.ts: makes each call of the table and
 * prints, a line each, its name and what came of it. With "loops" as argument it makes each
 * again and again, and prints the names of those that let nothing else run. With "free" it
 * makes the calls that need no permission.
 */
import { setImmediate } from "node:timers";
import * as context from "../context/mod.ts";
import * as cosocket from "../cosocket/mod.ts";
import * as eio from "../eio/mod.ts";
import * as http from "../http/mod.ts";
import * as log from "../log/mod.ts";
import * as process from "../process/mod.ts";
import * as system from "../system/mod.ts";
import * as stream from "../stream/mod.ts";
import { on_error } from "../thread/mod.ts";
import * as websocket from "../websocket/mod.ts";

const client = http.client();
const proxied = http.client({ proxy: "http://127.0.0.1:3128" });
const throughPath = http.client({ proxy: { path: "/run/a.sock" } });

/** What a server says of a request beside itself. */
const INFO: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 9 },
  completed: Promise.resolve(),
};

/** The exported functions that need a permission, and a call of each. */
const CALLS: Record<string, () => unknown> = {
  "context.create": () => context.create("file:///a.ts"),
  "context.create isolated": () => context.create("file:///a.ts", { isolated: true }),
  "context.listen": () => context.listen("127.0.0.1", 8_080, "file:///a.ts"),
  "context.supervise": () =>
    context.supervise([{ name: "a", start: () => context.create("file:///a.ts") }]),
  "cosocket.connect": () => cosocket.connect("127.0.0.1", 9),
  "cosocket.connect to a path": () => cosocket.connect("/run/a.sock"),
  "cosocket.connect under TLS": () => cosocket.connect("example.com", 443, { ssl: true }),
  "cosocket.connect with keepidle": () => cosocket.connect("127.0.0.1", 9, { keepidle: 1_000 }),
  "cosocket.listen": () => cosocket.listen("127.0.0.1", 8_080),
  "cosocket.listen on a path": () => cosocket.listen("/run/a.sock"),
  "cosocket.udp to bind": () => cosocket.udp().bind("127.0.0.1", 8_080),
  "cosocket.udp to send": () => cosocket.udp().sendto("x", "127.0.0.1", 8_080),
  "cosocket.dns to look up": () => cosocket.dns.lookup("example.com"),
  "cosocket.dns to resolve": () =>
    cosocket.dns.resolve4("example.com", { name_server: { ip: "127.0.0.1", port: 5_300 } }),
  "eio.appendfile": () => eio.appendfile("a", "x"),
  "eio.chmod": () => eio.chmod("a", 0o600),
  "eio.chown": () => eio.chown("a", 0, 0),
  "eio.copy": () => eio.copy("a", "b"),
  "eio.exists": () => eio.exists("a"),
  "eio.isdir": () => eio.isdir("a"),
  "eio.isfile": () => eio.isfile("a"),
  "eio.link": () => eio.link("a", "b"),
  "eio.lstat": () => eio.lstat("a"),
  "eio.mkdir": () => eio.mkdir("a"),
  "eio.mkdirp": () => eio.mkdirp("a/b"),
  "eio.open": () => eio.open("a"),
  "eio.open to write": () => eio.open("a", "w"),
  "eio.open_stream": () => eio.open_stream("a"),
  "eio.readdir": () => eio.readdir("a"),
  "eio.readfile": () => eio.readfile("a"),
  "eio.readlink": () => eio.readlink("a"),
  "eio.realpath": () => eio.realpath("a"),
  "eio.rename": () => eio.rename("a", "b"),
  "eio.rmdir": () => eio.rmdir("a"),
  "eio.stat": () => eio.stat("a"),
  "eio.symlink": () => eio.symlink("a", "b"),
  "eio.tmpfile": () => eio.tmpfile(),
  "eio.unlink": () => eio.unlink("a"),
  "eio.utime": () => eio.utime("a", 0, 0),
  "eio.walk": () => eio.walk("a").next(),
  "eio.write_atomic": () => eio.write_atomic("a", "x"),
  "eio.writefile": () => eio.writefile("a", "x"),
  "http.client to get": () => client.get("http://127.0.0.1:9999/"),
  "http.client through a proxy": () => proxied.get("http://example.com/"),
  "http.client to a Unix socket": () => throughPath.get("http://example.com/"),
  "http.httprequest": () => http.httprequest("http://example.com/"),
  "http.listen": () => http.listen("127.0.0.1", 8_080, () => {}),
  "http.listen on a path": () => http.listen("/run/a.sock", () => {}),
  "http.run": () => http.run("file:///a.ts", { port: 8_080 }),
  // A handler has no result: what it lacks is reported.
  "http.serve_static": async () => {
    let failed: unknown = null;
    const off = on_error((error) => failed = error);
    await http.app(http.serve_static("/")).fetch(new Request("http://a.test/file"), INFO);
    off();
    return [null, failed];
  },
  "log.open_log": () => log.open_log("a.log"),
  "log.open_logger": () => log.open_logger("a.log"),
  "process.chdir": () => process.chdir("/"),
  "process.exec": () => process.exec("true"),
  "process.exec of a list": () => process.exec(["true"]),
  "process.fork": () => process.fork({ file: "a.ts" }),
  "process.kill": () => process.kill(1, "SIGTERM"),
  "process.popen": () => process.popen("true"),
  "process.run_process": () => process.run_process("true"),
  "system.cpuinfo": () => system.cpuinfo(),
  "system.cpuusage": () => system.cpuusage(1),
  "system.hostname": () => system.hostname(),
  "system.limits": () => system.limits(),
  "system.loadavg": () => system.loadavg(),
  "system.meminfo": () => system.meminfo(),
  "system.network_interfaces": () => system.network_interfaces(),
  "system.release": () => system.release(),
  "system.uptime": () => system.uptime(),
  "websocket.connect": () => websocket.connect("ws://127.0.0.1:9"),
  "websocket.connect under TLS": () => websocket.connect("wss://example.com", { ssl: {} }),
};

/** The exported functions that need none, and a call of each. */
const FREE: Record<string, () => unknown> = {
  "context.abandoned": () => context.abandoned(),
  "context.claim": async () => {
    const [ours] = stream.pair();
    await using there = context.unwrap(await context.claim(context.unwrap(context.share(ours))));
    await there.close();
  },
  "context.inside": () => context.inside(),
  "context.open": async () => {
    const [ours, theirs] = stream.pair();
    const there = context.unwrap(await context.open(context.unwrap(context.share(ours))));
    await Promise.all([there.close(), ours.close(), theirs.close()]);
  },
  "context.share": async () => {
    const [ours] = stream.pair();
    context.unwrap(context.share(ours));
    await ours.close();
  },
  "context.stuck_after": () => context.stuck_after(1_000),
  "cosocket.pool_close": () => cosocket.pool_close(),
  "cosocket.pool_stats": () => cosocket.pool_stats(),
  "cosocket.tcp": () => cosocket.tcp().close(),
  "http.app": () =>
    http.app((_, res) => void res.add("x")).fetch(new Request("http://a.test/"), INFO),
  "http.libev": () => http.libev(() => {}),
  "http.static": () => http.static("/"),
  "http.status_text": () => http.status_text(200),
  "log.LOG": () => log.LOG("logged"),
  "log.close_log": () => log.close_log(),
  "log.flush_log": () => log.flush_log(),
  "log.log_stats": () => log.log_stats(),
  "log.logger": () => log.logger({ a: 1 }).warn("logged"),
  "process.children": () => process.children(),
  "process.cwd": () => process.cwd(),
  "process.uptime": () => process.uptime(),
  "process.waitpid": async () => {
    const [, err] = await process.waitpid(1);
    return [null, err?.code === "not_found" ? null : err];
  },
  "stream.broadcast": () => stream.broadcast([stream.pair()[0]], "x"),
  "stream.pair": () => stream.pair(),
  "stream.select": async () => {
    const [ours, theirs] = stream.pair();
    await ours.send("x");
    await stream.select([theirs]);
  },
  "system.hrtime": () => system.hrtime(),
  "system.parallelism": () => system.parallelism(),
  "websocket.hub": () => websocket.hub(),
  "websocket.refusal": () => websocket.refusal(new eio.IoError("denied", "no")),
  "websocket.serve": () => websocket.serve(() => {}).fetch(new Request("http://a.test/")),
  "websocket.upgrade": () => void websocket.upgrade(new Request("http://a.test/")),
};

/** Whether a loop that makes the call for ever lets others run. */
async function letsRun(call: () => unknown): Promise<boolean> {
  let ran = 0;
  for (let tries = 0; tries < 1_000; tries++) {
    if (tries % 10 === 0) setImmediate(() => ran++);
    const given = call();
    // Nobody waits for what gives its result at once.
    if (!(given instanceof Promise)) return true;
    await given.catch(() => {});
    if (ran === 3) return true;
  }
  return false;
}

for (const [name, call] of Object.entries(Deno.args[0] === "free" ? FREE : CALLS)) {
  if (Deno.args[0] === "loops") {
    if (!await letsRun(call)) console.log(name);
    continue;
  }
  let words: string;
  try {
    const result = await call();
    const err = Array.isArray(result) ? result[1] : null;
    if (Deno.args[0] === "free" && !(err instanceof Error)) {
      console.log(`${name}: fine`);
      continue;
    }
    words = err === null ? `gave ${result}` : `${err.code} ${err.message}`;
  } catch (error) {
    // Iteration has no place for an error but to throw it.
    words = `threw ${error instanceof eio.IoError ? `${error.code} ${error.message}` : error}`;
  }
  console.log(`${name}: ${words}`);
}
// Nothing that they have made need be closed.
if (Deno.args[0] === "free") Deno.exit(0);
