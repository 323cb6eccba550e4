/**
 * Run with few descriptors by faults_test.ts: takes all there are, makes each call of the
 * table, gives them back and makes it again. A line each: the name, and what came both times.
 */
import * as cosocket from "../../cosocket/mod.ts";
import * as eio from "../../eio/mod.ts";
import * as log from "../../log/mod.ts";
import * as process from "../../process/mod.ts";

const [folder = ""] = Deno.args;
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

/** A failure's code; what came is closed again. */
async function code<T>(
  call: Promise<[T | null, { code: string } | null]>,
  close: (value: T) => unknown = () => {},
): Promise<string> {
  const [value, err] = await call;
  if (value !== null) await close(value);
  return err?.code ?? "fine";
}

const closing = (thing: { close(): unknown }) => thing.close();

const CALLS: Record<string, () => Promise<string>> = {
  "cosocket.connect": () => code(cosocket.connect("127.0.0.1", listener.addr.port), closing),
  "cosocket.connect with keepidle": () =>
    code(cosocket.connect("127.0.0.1", listener.addr.port, { keepidle: 1_000 }), closing),
  "cosocket.listen": () => code(cosocket.listen("127.0.0.1", 0), closing),
  "cosocket.listen with reuseport": () =>
    code(cosocket.listen("127.0.0.1", 0, { reuseport: true }), closing),
  "cosocket.listen on a path": () => code(cosocket.listen(`${folder}/sock`), closing),
  "cosocket.udp to bind": async () => {
    await using sock = cosocket.udp();
    return await code(sock.bind("127.0.0.1", 0));
  },
  "eio.open": () => code(eio.open(`${folder}/file`, "w"), closing),
  "eio.readfile": () => code(eio.readfile(`${folder}/there`)),
  "eio.writefile": () => code(eio.writefile(`${folder}/whole`, "x")),
  "eio.write_atomic": () => code(eio.write_atomic(`${folder}/atomic`, "x")),
  "eio.readdir": () => code(eio.readdir(folder)),
  "eio.copy": () => code(eio.copy(`${folder}/there`, `${folder}/copy`)),
  "process.popen": () =>
    Promise.resolve(process.popen("true")).then(([child, err]) => {
      if (child === null) return err.code;
      return child.close().then(() => "fine");
    }),
  "process.run_process": () => code(process.run_process("true")),
  "log.open_logger": async () => {
    const [logger, err] = log.open_logger(`${folder}/log`);
    await logger?.close();
    return err?.code ?? "fine";
  },
};

const warm: Record<string, string> = {};
// Once beforehand: the runtime opens some of its own when it is first asked.
for (const [name, call] of Object.entries(CALLS)) warm[name] = await call();
for (const [name, call] of Object.entries(CALLS)) {
  const taken: Deno.FsFile[] = [];
  try {
    for (;;) taken.push(Deno.openSync("/dev/null"));
  } catch {
    // None is left.
  }
  const without = await call().catch((error) => `threw ${error}`);
  for (const file of taken) file.close();
  const after = await call().catch((error) => `threw ${error}`);
  console.log(`${name}: ${warm[name]}, ${without}, ${after}`);
}
listener.close();
await eio.unlink(`${folder}/copy`);
