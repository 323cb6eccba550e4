/** A thread is killed in every call of the modules that may wait: nothing is left of it. */
import { assertEquals } from "@std/assert";
import { configArgs } from "../tools/config.ts";
import { namesOf } from "../tools/names.ts";
import * as cosocket from "../cosocket/mod.ts";
import * as eio from "../eio/mod.ts";
import { children } from "../process/mod.ts";
import * as stream from "../stream/mod.ts";
import * as thread from "../thread/mod.ts";
import { entries } from "../tools/project.ts";
import { CALLS } from "./kill/calls.ts";
import { inKilled, killed, late, turn } from "./kill/killed.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

/** What cleans up or waits for nothing does its work in a killed thread, too. */
const NEVER_REFUSED = /\.(close|setpeername)$|^cosocket\.listen$/;

// The sanitizers see timers and what the runtime has under way. What it does with a file
// cannot be called back, so those are left to the program, which counts what is left.
for (const name of Object.keys(CALLS).filter((name) => !/^(eio|FileHandle)\./.test(name))) {
  Deno.test(`${name} in a thread that is killed leaves nothing under way`, LINUX, async () => {
    const ends = new Set<string>();
    for (const turns of [0, 1, 20]) ends.add(await killed(name, turns));
    // A killed thread is given up at once; the child that it began is still being ended.
    while (children().length > 0) await turn();
    // What nothing holds up has returned before, or not.
    assertEquals([...ends].filter((end) => end !== "killed" && end !== "returned"), []);
    assertEquals(ends.has("killed"), true);
  });

  // They wait for the other end, which does nothing here.
  if (/^(BufferedStream|TcpSocket)\.close$|pool_close$/.test(name)) continue;

  Deno.test(
    `${name} in a thread that was killed before throws that, and does nothing`,
    LINUX,
    async () => {
      assertEquals(await late(name), NEVER_REFUSED.test(name) ? "returned" : "killed");
    },
  );
}

Deno.test(
  "no kill in any call leaves a descriptor, a child or a slot of a pool",
  LINUX,
  async () => {
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", ...await configArgs(), "tests/kill/program.ts"],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(decoder.decode(stdout), "all tried\n");
    assertEquals(success, true);
  },
);

/** Calls that would fail at once in any case; each gives one that can be made again and again. */
const HOPELESS: Record<string, (undo: (how: () => unknown) => void) => unknown> = {
  "receive() of what is not connected": () => () => cosocket.tcp().receive(),
  "peek() of too much": () => () => cosocket.tcp().peek(9, { max: 8 }),
  "send() to what is not connected": () => () => cosocket.tcp().send("x"),
  "uncork() of what is not connected": () => () => cosocket.tcp().uncork(),
  "sendfile() to what is not connected": () => {
    const file = { read: () => Promise.resolve<[null, null]>([null, null]) };
    return () => cosocket.tcp().sendfile(file);
  },
  "shutdown() of what is not connected": () => () => cosocket.tcp().shutdown("send"),
  "sslhandshake() of what is not connected": () => () => cosocket.tcp().sslhandshake(),
  "select() of what another receives from": (undo) => {
    const [a, b] = stream.pair();
    const first = a.receive();
    undo(() => Promise.all([a.close(), b.close(), first]));
    return () => stream.select([a]);
  },
  "accept() of a closed server": async () => {
    const server = await closedServer();
    return () => server.accept();
  },
  "autospawn() of a closed server": async () => {
    const server = await closedServer();
    return () => server.autospawn(() => {});
  },
  "receive() of UDP that is not bound": () => () => cosocket.udp().receive(),
  "receive() of UDP that has a datagram": async (undo) => {
    const sock = cosocket.udp();
    undo(() => sock.close());
    await cosocket.unwrap(sock.bind("127.0.0.1", 0));
    const { ip, port } = cosocket.unwrap(sock.localaddr());
    await cosocket.unwrap(sock.sendto("first", ip, port));
    await cosocket.unwrap(sock.sendto("second", ip, port));
    // The second is here, too, or on its way.
    await cosocket.unwrap(sock.receive());
    return () => sock.receive();
  },
  "send() to UDP without a peer": () => () => cosocket.udp().send("x"),
  "lookup() of an address": () => () => cosocket.dns.lookup("127.0.0.1"),
  "read() of a closed file": async () => {
    const file = await eio.unwrap(eio.open(new URL(import.meta.url).pathname, "r"));
    await file.close();
    return () => file.read(1);
  },
  "sleep() on a sleeper that another uses": (undo) => {
    const sleeper = thread.sleeper();
    const first = sleeper.sleep();
    undo(() => {
      sleeper.wakeup();
      return first;
    });
    return () => sleeper.sleep();
  },
};

async function closedServer(): Promise<cosocket.Server> {
  const server = await cosocket.unwrap(cosocket.listen("127.0.0.1", 0));
  await server.close();
  return server;
}

for (const [name, prepare] of Object.entries(HOPELESS)) {
  Deno.test(`${name} throws in a killed thread: its loop ends, whatever it minds`, async () => {
    const undos: (() => unknown)[] = [];
    const call = await prepare((how) => undos.push(how)) as () => Promise<unknown>;
    assertEquals(await inKilled(call), "killed");
    for (const undo of undos) await undo();
  });
}

/** What others write, and what is the same call under another name. */
const ELSEWHERE = /^(Stream|Source|FileLike|Resolver|Channel)\.|\[Symbol|(^|\.)unwrap$/;

/** The modules whose calls stand in tables of their own: tests/thread, tests/context ... */
const MODULES = ["cosocket", "eio", "log", "process", "stream"];

Deno.test("the table holds every call of the modules that may wait", async () => {
  const called = new Set(Object.keys(CALLS).map((name) => name.split(" ")[0]));
  const missing = new Set<string>();
  for (const { entry, name, kind, waits } of await namesOf(await entries())) {
    const module = entry.slice(2);
    const full = kind === "function" ? `${module}.${name}` : name;
    if (!waits || !MODULES.includes(module) || ELSEWHERE.test(full)) continue;
    if (!called.has(full)) missing.add(full);
  }
  assertEquals([...missing], []);
});
