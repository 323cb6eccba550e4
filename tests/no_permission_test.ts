/** Without a permission, every function of the surface says so, and names the flag. */
import { assertEquals } from "@std/assert";
import { configArgs } from "../tools/config.ts";

const config = await configArgs();

/** The flag that each call of no_permission.ts asks for first; a path of ours is `$`. */
const FLAGS: Record<string, string> = {
  "context.create": "--allow-read=$",
  "context.create isolated": "--allow-env=NODE_V8_COVERAGE",
  "context.listen": "--allow-read=$",
  "context.supervise": "--allow-read=$",
  "cosocket.connect": "--allow-net=127.0.0.1:9",
  "cosocket.connect to a path": "--allow-read=/run/a.sock",
  "cosocket.connect under TLS": "--allow-net=example.com:443",
  "cosocket.connect with keepidle": "--allow-net=127.0.0.1:9",
  "cosocket.listen": "--allow-net=127.0.0.1:8080",
  "cosocket.listen on a path": "--allow-read=/run/a.sock",
  "cosocket.udp to bind": "--allow-net=127.0.0.1:8080",
  "cosocket.udp to send": "--allow-net=127.0.0.1:8080",
  "cosocket.dns to look up": "--allow-net=example.com",
  "cosocket.dns to resolve": "--allow-net=127.0.0.1:5300",
  "eio.appendfile": "--allow-write=a",
  "eio.chmod": "--allow-write=a",
  "eio.chown": "--allow-write=a",
  "eio.copy": "--allow-read=a",
  "eio.exists": "--allow-read=a",
  "eio.isdir": "--allow-read=a",
  "eio.isfile": "--allow-read=a",
  "eio.link": "--allow-read=a",
  "eio.lstat": "--allow-read=a",
  "eio.mkdir": "--allow-write=a",
  "eio.mkdirp": "--allow-write=a/b",
  "eio.open": "--allow-read=a",
  "eio.open to write": "--allow-write=a",
  "eio.open_stream": "--allow-read=a",
  "eio.readdir": "--allow-read=a",
  "eio.readfile": "--allow-read=a",
  "eio.readlink": "--allow-read=a",
  "eio.realpath": "--allow-read=a",
  "eio.rename": "--allow-read=a",
  "eio.rmdir": "--allow-write=a",
  "eio.stat": "--allow-read=a",
  "eio.symlink": "--allow-read and --allow-write, both for every path",
  "eio.tmpfile": "--allow-write",
  "eio.unlink": "--allow-write=a",
  "eio.utime": "--allow-write=a",
  "eio.walk": "--allow-read=a",
  "eio.write_atomic": "--allow-read=.",
  "eio.writefile": "--allow-write=a",
  "http.client to get": "--allow-net=127.0.0.1:9999",
  "http.client through a proxy": "--allow-net=127.0.0.1:3128",
  "http.client to a Unix socket": "--allow-read=/run/a.sock",
  "http.httprequest": "--allow-net=example.com:80",
  "http.listen": "--allow-net=127.0.0.1:8080",
  "http.listen on a path": "--allow-read=/run/a.sock",
  "http.run": "--allow-net=127.0.0.1:8080",
  "http.serve_static": "--allow-read=/",
  "log.open_log": "--allow-write=$/a.log",
  "log.open_logger": "--allow-write=$/a.log",
  "process.chdir": "--allow-read=/",
  "process.exec": "--allow-run=sh",
  "process.exec of a list": "--allow-run=true",
  "process.fork": "--allow-run=deno",
  "process.kill": "--allow-run",
  "process.popen": "--allow-run=sh",
  "process.run_process": "--allow-run=sh",
  "system.cpuinfo": "--allow-sys=cpus",
  "system.cpuusage": "--allow-sys=cpus",
  "system.hostname": "--allow-sys=hostname",
  "system.limits": "--allow-all",
  "system.loadavg": "--allow-sys=loadavg",
  "system.meminfo": "--allow-sys=systemMemoryInfo",
  "system.network_interfaces": "--allow-sys=networkInterfaces",
  "system.release": "--allow-sys=osRelease",
  "system.uptime": "--allow-sys=osUptime",
  "websocket.connect": "--allow-net=127.0.0.1:9",
  "websocket.connect under TLS": "--allow-net=example.com:443",
};

/** Functions that ask the world for nothing that Deno guards. */
const FREE: Record<string, string[]> = {
  context: ["abandoned", "claim", "inside", "open", "process_child", "share", "stuck_after"]
    .concat("thread_child", "unwrap"),
  cosocket: ["bind", "from_conn", "pool_close", "pool_stats", "tcp", "unwrap"],
  eio: ["unwrap"],
  http: ["app", "libev", "static", "status_text", "unwrap"],
  log: ["LOG", "close_log", "flush_log", "log_stats", "logger", "unwrap"],
  process: ["abort", "children", "cwd", "exit", "unwrap", "uptime", "waitpid"],
  stream: ["broadcast", "pair", "select", "unwrap"],
  system: ["hrtime", "parallelism", "unwrap"],
  websocket: ["hub", "refusal", "serve", "unwrap", "upgrade"],
};

/** What ends the program, and what is no call of its own. */
const NOT_TRIED = ["unwrap", "abort", "exit", "process_child", "thread_child", "from_conn", "bind"];

Deno.test("without any permission every call returns no_permission that names the flag", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...config, "tests/no_permission.ts"],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  const said = decoder.decode(stdout).trim().split("\n").map((line) => {
    const [, name, code, flag] = /^(.*?): (?:threw )?(\w+) .*: it needs (.*)$/.exec(line) ??
      [, line, "", ""];
    return [name, `${code} ${flag?.replace(Deno.cwd(), "$")}`];
  });
  const wanted = Object.entries(FLAGS).map(([name, flag]) => [name, `no_permission ${flag}`]);
  assertEquals(Object.fromEntries(said), Object.fromEntries(wanted));
});

Deno.test("without any permission a loop that tries for ever freezes nobody", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...config, "tests/no_permission.ts", "loops"],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  assertEquals(decoder.decode(stdout), "");
});

Deno.test("the table holds every function of the modules that reach for the world", async () => {
  const called = new Set(Object.keys(FLAGS).map((name) => name.split(" ")[0]));
  const surface = await Deno.readTextFile("tests/surface.txt");
  for (const [module, free] of Object.entries(FREE)) {
    const functions = [...surface.matchAll(new RegExp(`^\\./${module}: (\\w+) function$`, "gm"))];
    const missing = functions.map(([, name]) => name!)
      .filter((name) => !free.includes(name) && !called.has(`${module}.${name}`));
    assertEquals(missing, [], `of ${module}`);
  }
});

Deno.test("what needs no permission is there without any", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...config, "tests/no_permission.ts", "free"],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout).trim().split("\n");
  const wanted = Object.entries(FREE).flatMap(([module, free]) =>
    free.filter((name) => !NOT_TRIED.includes(name)).map((name) => `${module}.${name}: fine`)
  );
  // What is logged goes there.
  assertEquals(decoder.decode(stderr).replace(/^.* WARN logged.*\n/gm, ""), "");
  assertEquals(said.toSorted(), wanted.toSorted());
});
