/**
 * Run by tools/permissions.ts under some permissions: makes the calls that are named, in a
 * folder made for them, and prints a line each: its name, then `done` or the flag it wants.
 */
import * as context from "../context/mod.ts";
import * as cosocket from "../cosocket/mod.ts";
import * as eio from "../eio/mod.ts";
import * as http from "../http/mod.ts";
import * as log from "../log/mod.ts";
import * as process from "../process/mod.ts";
import * as system from "../system/mod.ts";
import { on_error } from "../thread/mod.ts";
import * as websocket from "../websocket/mod.ts";

const [folder = "", ...names] = Deno.args;
const at = (name: string) => `${folder}/${name}`;
const HOST = "127.0.0.1";
/** A port that nobody listens on: being refused is permission enough. */
const NOWHERE = 9_999;
const worker = new URL(
  "data:text/javascript,export default async (inside) => { await inside.recv(); }",
);

/** What a server says of a request beside itself. */
const INFO: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 9 },
  completed: Promise.resolve(),
};

type Failed = { code: string; message: string } | null;
type Answer = readonly [unknown, Failed] | readonly [unknown, Failed, ...unknown[]];

/** Closes what a call has opened. */
async function closing(result: unknown): Promise<Answer> {
  const [value, err] = await result as Answer;
  const thing = value as { close?(): unknown; destroy?(): unknown; wait?(): unknown } | null;
  if (typeof thing?.close === "function") await thing.close();
  else if (typeof thing?.destroy === "function") {
    thing.destroy();
    await thing.wait?.();
  }
  return [null, err];
}

/** Every exported function that may ask for a permission. */
const CALLS: Record<string, () => unknown> = {
  "context.create": () => closing(context.create(worker)),
  "context.create, isolated": () => closing(context.create(worker, { isolated: true })),
  "context.listen": () => closing(context.listen(HOST, 0, worker, { workers: 1 })),
  "context.supervise": () =>
    closing(context.supervise([{ name: "a", start: () => context.create(worker) }])),
  "cosocket.connect": () => closing(cosocket.connect(HOST, NOWHERE)),
  "cosocket.connect, keepidle": () => closing(cosocket.connect(HOST, NOWHERE, { keepidle: 1_000 })),
  "cosocket.connect, a path": () => closing(cosocket.connect(at("no.sock"))),
  "cosocket.dns.lookup": () => cosocket.dns.lookup("localhost"),
  "cosocket.dns.resolve": () =>
    cosocket.dns.resolve4("a.test", { name_server: { ip: HOST, port: NOWHERE }, timeout: 20 }),
  "cosocket.listen": () => closing(cosocket.listen(HOST, 0)),
  "cosocket.listen, reuseport": () => closing(cosocket.listen(HOST, 0, { reuseport: true })),
  "cosocket.listen, a path": () => closing(cosocket.listen(at("sock"))),
  "cosocket.udp, bind": async () => {
    await using sock = cosocket.udp();
    return await sock.bind(HOST, 0);
  },
  "cosocket.udp, sendto": async () => {
    await using sock = cosocket.udp();
    return await sock.sendto("x", HOST, NOWHERE);
  },
  "eio.appendfile": () => eio.appendfile(at("file"), "x"),
  "eio.chmod": () => eio.chmod(at("file"), 0o600),
  "eio.chown": () => eio.chown(at("file"), 0, 0),
  "eio.chown, names": () => eio.chown(at("file"), "root", "root"),
  "eio.copy": () => eio.copy(at("file"), at("copy")),
  "eio.exists": () => eio.exists(at("file")),
  "eio.isdir": () => eio.isdir(at("file")),
  "eio.isfile": () => eio.isfile(at("file")),
  "eio.link": () => eio.link(at("file"), at(`link-${Deno.pid}`)),
  "eio.lstat": () => eio.lstat(at("file")),
  "eio.mkdir": () => eio.mkdir(at(`folder-${Deno.pid}`)),
  "eio.mkdirp": () => eio.mkdirp(at("a/b")),
  "eio.open": () => closing(eio.open(at("file"))),
  "eio.open, to write": () => closing(eio.open(at("file"), "a")),
  "eio.open, both": () => closing(eio.open(at("file"), "a+")),
  "eio.open_stream": () => closing(eio.open_stream(at("file"))),
  "eio.readdir": () => eio.readdir(folder),
  "eio.readfile": () => eio.readfile(at("file")),
  "eio.readlink": () => eio.readlink(at("file")),
  "eio.realpath": () => eio.realpath(at("file")),
  "eio.rename": () => eio.rename(at("none"), at("other")),
  "eio.rmdir": () => eio.rmdir(at("none")),
  "eio.stat": () => eio.stat(at("file")),
  "eio.symlink": () => eio.symlink("file", at(`symlink-${Deno.pid}`)),
  "eio.tmpfile": () => closing(eio.tmpfile()),
  "eio.unlink": () => eio.unlink(at("none")),
  "eio.utime": () => eio.utime(at("file"), 0, 0),
  "eio.walk": () => eio.walk(folder).next(),
  "eio.write_atomic": () => eio.write_atomic(at("atomic"), "x"),
  "eio.writefile": () => eio.writefile(at("file"), "x"),
  "http.client": async () => {
    await using client = http.client();
    const [, err] = await client.get(`http://${HOST}:${NOWHERE}/`);
    return [null, err];
  },
  "http.client, download": async () => {
    await using client = http.client();
    const [server, err] = await http.listen(HOST, 0, (_, res) => void res.add("x"));
    if (server === null) return [null, err];
    const url = `http://${HOST}:${server.port}/`;
    const [, failed] = await client.download(url, at("downloaded"));
    await server.close();
    return [null, failed];
  },
  "http.httprequest": () => http.httprequest(`http://${HOST}:${NOWHERE}/`),
  "http.listen": () => closing(http.listen(HOST, 0, (_, res) => void res.add("x"))),
  "http.run": () =>
    closing(
      http.run("data:text/javascript,export default (_, res) => res.add('x')", { workers: 1 }),
    ),
  "http.serve_static": async () => {
    let failed: unknown = null;
    const off = on_error((error) => failed = error);
    await http.app(http.serve_static(folder)).fetch(new Request("http://a.test/file"), INFO);
    off();
    return [null, failed];
  },
  "log.open_log": () => {
    const [, err] = log.open_log(at("log"));
    log.close_log();
    return [null, err];
  },
  "log.open_logger": () => closing(log.open_logger(at("log"))),
  "log.open_logger, rotating": async () => {
    const [logger, err] = log.open_logger({ path: at("log"), rotate: "1Kx2" });
    if (logger === null) return [null, err];
    logger.err("x".repeat(2_000));
    logger.err("and another one, in a new file");
    const [, failed] = await logger.close();
    return [null, failed];
  },
  "process.chdir": () => process.chdir(folder),
  "process.exec": () => closing(process.exec(["true"])),
  "process.fork": () => closing(process.fork({ file: at("empty.ts") })),
  // No process can have this number: not to be found is permission enough.
  "process.kill": () => process.kill(2 ** 22 + 1, "SIGTERM"),
  "process.popen": () => closing(process.popen("true")),
  "process.run_process": () => process.run_process(["true"]),
  "system.cpuinfo": () => system.cpuinfo(),
  "system.cpuusage": () => system.cpuusage(1),
  "system.hostname": () => system.hostname(),
  "system.limits": () => system.limits(),
  "system.loadavg": () => system.loadavg(),
  "system.meminfo": () => system.meminfo(),
  "system.network_interfaces": () => system.network_interfaces(),
  "system.release": () => system.release(),
  "system.uptime": () => system.uptime(),
  "websocket.connect": () => closing(websocket.connect(`ws://${HOST}:${NOWHERE}`)),
};

for (const name of names.length > 0 ? names : Object.keys(CALLS)) {
  if (names.length === 0) {
    console.log(name);
    continue;
  }
  let failed: unknown;
  try {
    const result = await CALLS[name]!();
    failed = Array.isArray(result) ? result[1] : null;
  } catch (error) {
    // Iteration has no place for an error but to throw it.
    failed = error;
  }
  const { code, message } = (failed ?? {}) as { code?: string; message?: string };
  const flags = code === "no_permission" ? message!.match(/--allow-[a-z-]*[a-z]/g) : null;
  console.log(`${name}: ${flags === null ? "done" : flags.join(" ")}`);
}
Deno.exit(0);
