import { assertEquals, assertThrows } from "@std/assert";
import { exec, signal, unwrap } from "../../process/mod.ts";
import { on_error, self, sleep } from "../../thread/mod.ts";
import { runDeno } from "./programs.ts";

/** Sends ourselves a signal and waits until `heard` is; a handler does not hold the program. */
async function raise(name: Deno.Signal, heard: Promise<void>): Promise<void> {
  const alive = setTimeout(() => {}, 60_000);
  Deno.kill(Deno.pid, name);
  await heard;
  clearTimeout(alive);
}

Deno.test("signal.register() calls handlers in order, in one thread, with the number", async () => {
  const heard: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const threads = new Set<number>();
  const first = async (signum: number) => {
    threads.add(self().id);
    await sleep(2);
    heard.push(["first", signum]);
  };
  const second = (signum: number) => {
    threads.add(self().id);
    heard.push(["second", signum]);
    done.resolve();
  };
  assertEquals(signal.register("SIGUSR2", first), [true, null]);
  assertEquals(signal.register("usr2", second), [true, null]);
  await raise("SIGUSR2", done.promise);
  assertEquals(heard, [["first", 12], ["second", 12]]);
  assertEquals([threads.size, threads.has(1)], [1, false]);
  assertEquals(signal.unregister("SIGUSR2"), [true, null]);
});

Deno.test("signal.register() reports a handler that throws, which stops no other", async () => {
  const reports: [unknown, string][] = [];
  const off = on_error((error, about) => reports.push([error, about]));
  const done = Promise.withResolvers<void>();
  const thrown = new Error("bad handler");
  signal.register("USR2", () => Promise.reject(thrown));
  signal.register("USR2", () => done.resolve());
  await raise("SIGUSR2", done.promise);
  signal.unregister("USR2");
  off();
  assertEquals(reports, [[thrown, "handler of SIGUSR2"]]);
});

Deno.test("signal.unregister() takes back one handler or all, and says what was not there", async () => {
  const heard: string[] = [];
  const done = Promise.withResolvers<void>();
  const one = () => void heard.push("one");
  const two = () => {
    heard.push("two");
    done.resolve();
  };
  assertEquals(signal.unregister("SIGUSR2", one)[1]?.code, "not_found");
  assertEquals(signal.unregister("SIGUSR2")[1]?.code, "not_found");
  signal.register("SIGUSR2", one);
  signal.register("SIGUSR2", two);
  assertEquals(signal.unregister("SIGUSR2", one), [true, null]);
  await raise("SIGUSR2", done.promise);
  assertEquals(heard, ["two"]);
  assertEquals(signal.unregister("SIGUSR2", two), [true, null]);
  assertEquals(signal.unregister("SIGUSR2", two)[1]?.code, "not_found");
});

Deno.test("signal.register() gives unsupported for what no program can hear", () => {
  for (const name of ["SIGKILL", "STOP", "SIGNONE", ""]) {
    assertEquals(signal.register(name, () => {})[1]?.code, "unsupported", name);
  }
  assertThrows(
    () => signal.register(9 as unknown as string, () => {}),
    TypeError,
    "name of a signal",
  );
  assertThrows(
    () => signal.register("INT", 1 as unknown as () => void),
    TypeError,
    "wants a function",
  );
  assertEquals(signal.unregister("SIGNONE")[1]?.code, "unsupported");
});

Deno.test("signal.lookup() goes both ways, and gives null for what is none", () => {
  assertEquals([signal.lookup("SIGINT"), signal.lookup("int"), signal.lookup("Kill")], [2, 2, 9]);
  assertEquals([signal.lookup(15), signal.lookup(6)], ["SIGTERM", "SIGABRT"]);
  assertEquals([signal.lookup("nonsense"), signal.lookup(0), signal.lookup(999)], [
    null,
    null,
    null,
  ]);
});

Deno.test("signal.register() for SIGCHLD tells how each child ended", async () => {
  const heard: unknown[] = [];
  const done = Promise.withResolvers<void>();
  signal.register("SIGCHLD", (signum, info) => {
    heard.push([signum, info]);
    if (heard.length === 2) done.resolve();
  });
  const exited = unwrap(exec("exit 3"));
  await exited.wait();
  const killed = unwrap(exec(["sleep", "60"]));
  killed.kill("SIGKILL");
  await killed.wait();
  await done.promise;
  signal.unregister("SIGCHLD");
  assertEquals(heard, [
    [17, { type: "exited", pid: exited.pid, status: 3, signal: null }],
    [17, { type: "signaled", pid: killed.pid, status: null, signal: 9 }],
  ]);
});

Deno.test("a handler keeps neither the program alive nor itself after unregister()", async () => {
  const idle = await runDeno(`p.signal.register("TERM", () => {}); console.log("over");`, []);
  assertEquals([idle.lines, idle.status.code], [["over"], 0]);
  const back = await runDeno(
    `p.signal.register("TERM", () => {});
     p.signal.unregister("TERM");
     Deno.kill(Deno.pid, "SIGTERM");
     setTimeout(() => console.log("lives"), 30_000);`,
    [],
  );
  assertEquals([back.lines, back.status.signal], [[], "SIGTERM"]);
});
