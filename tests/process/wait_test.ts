import { assert, assertEquals, assertThrows } from "@std/assert";
import { children, exec, kill, unwrap, waitpid } from "../../process/mod.ts";
import { outcomeOf, tell } from "../../process/_registry.ts";
import * as thread from "../../thread/mod.ts";
import { inKilled } from "../kill/killed.ts";
import { isGone } from "./programs.ts";

Deno.test("Child.wait() gives up by timeout and signal, and leaves the child running", async () => {
  await using child = unwrap(exec(["sleep", "60"]));
  assertEquals((await child.wait({ timeout: 5 }))[1]?.code, "timeout");
  const aborter = new AbortController();
  const waiting = child.wait({ signal: aborter.signal });
  aborter.abort();
  assertEquals((await waiting)[1]?.code, "cancelled");
  assertEquals((await child.wait({ signal: aborter.signal }))[1]?.code, "cancelled");
  assertEquals([child.status, isGone(child.pid)], [null, false]);
});

Deno.test("Child.wait() of a killed thread leaves the child running, and nothing behind", async () => {
  await using child = unwrap(exec(["sleep", "60"]));
  const waiter = thread.newthread(() => child.wait());
  assert(waiter.state.startsWith(`wait for sleep, process ${child.pid}`), waiter.state);
  thread.kill(waiter);
  assertEquals((await thread.wait(waiter))[1]?.code, "killed");
  assertEquals([child.status, isGone(child.pid)], [null, false]);
});

Deno.test("Child.wait() tells all who wait, and all who wait later", async () => {
  const child = unwrap(exec("exit 9"));
  const all = await Promise.all([child.wait(), child.wait(), waitpid(child.pid)]);
  assertEquals(all.map(([status]) => status?.code), [9, 9, 9]);
  assertEquals((await unwrap(child.wait())).code, 9);
  assertEquals((await unwrap(waitpid(child.pid))).code, 9);
});

Deno.test("a child that nobody waits for is reaped, and its end is still known", async () => {
  const ended = Promise.withResolvers<void>();
  const { pid } = unwrap(exec("exit 2"));
  // The system's own news, not ours: the process is there until it has been reaped.
  const look = setInterval(() => {
    try {
      Deno.kill(pid, 0 as unknown as Deno.Signal);
    } catch {
      ended.resolve();
    }
  }, 1);
  await ended.promise;
  clearInterval(look);
  assertEquals((await unwrap(waitpid(pid))).code, 2);
});

Deno.test("waitpid() gives not_found for what is no child of ours, and throws for no id", async () => {
  assertEquals((await waitpid(Deno.pid))[1]?.code, "not_found");
  assertThrows(() => waitpid("1" as unknown as number), TypeError, "wants a process id");
  assertThrows(() => waitpid(1.5), RangeError, "pid must be whole: got 1.5");
});

Deno.test("waitpid() for what has ended heeds its options, and throws in a killed thread", async () => {
  const { pid } = unwrap(exec("exit 0"));
  await waitpid(pid);
  const signal = AbortSignal.abort();
  assertEquals((await waitpid(pid, { signal }))[1]?.code, "cancelled");
  assertThrows(() => waitpid(pid, { timeout: -1 }), RangeError, "timeout must be 0");
  assertEquals(await inKilled(() => waitpid(pid)), "killed");
  assertEquals(await inKilled(() => waitpid(Deno.pid)), "killed");
});

Deno.test("of 1,024 children that have ended it is known how, and not of older ones", () => {
  const child = (pid: number) => ({ pid }) as unknown as Parameters<typeof tell>[0];
  const status = (code: number) => ({ pid: code, code, signal: null, success: false });
  // No process has such an id.
  for (let n = 1; n <= 1_025; n++) tell(child(-n), [status(n), null]);
  assertEquals(outcomeOf(-1)[1]?.code, "not_found");
  assertEquals([outcomeOf(-2)[0]?.code, outcomeOf(-1_025)[0]?.code], [2, 1_025]);
});

Deno.test("children() lists those that run, with what they are", async () => {
  const before = children().length;
  await using child = unwrap(exec(["sleep", "60"]));
  const [row] = children().filter(({ pid }) => pid === child.pid);
  assertEquals([row?.command, row?.state, row?.detached], ["sleep", "running", false]);
  assert(row!.age >= 0);
  const stopping = child.stop();
  assertEquals(children().find(({ pid }) => pid === child.pid)?.state, "stopping");
  await stopping;
  assertEquals(children().length, before);
});

Deno.test("kill() takes a child or a process id, and a signal in any spelling", async () => {
  const spellings: [string | number, string][] = [
    ["SIGUSR1", "SIGUSR1"],
    ["usr1", "SIGUSR1"],
    ["Term", "SIGTERM"],
    [9, "SIGKILL"],
  ];
  for (const [given, signal] of spellings) {
    const [one, two] = [unwrap(exec(["sleep", "60"])), unwrap(exec(["sleep", "60"]))];
    assertEquals(kill(one, given), [true, null]);
    assertEquals(kill(two.pid, given), [true, null]);
    assertEquals((await unwrap(one.wait())).signal, signal);
    assertEquals((await unwrap(two.wait())).signal, signal);
  }
  const child = unwrap(exec(["sleep", "60"]));
  assertEquals(kill(child.pid, 0), [true, null]);
  assertEquals(kill(child), [true, null]);
  assertEquals((await unwrap(child.wait())).signal, "SIGTERM");
});

Deno.test("kill() says what is gone, not there or no signal, and refuses to kill all", async () => {
  const child = unwrap(exec("exit 0"));
  await child.wait();
  const [, gone] = kill(child);
  assertEquals([gone?.code, gone?.reason], ["gone", "exited"]);
  const killed = unwrap(exec(["sleep", "60"]));
  killed.kill(9);
  await killed.wait();
  assertEquals(killed.kill()[1]?.reason, "killed");
  // Its id is free again by now.
  assertEquals(kill(child.pid)[1]?.code, "not_found");
  assertEquals(kill(Deno.pid, "SIGNONE")[1]?.code, "unsupported");
  assertEquals(kill(Deno.pid, 999)[1]?.code, "unsupported");
  assertEquals(killed.kill("SIGNONE")[1]?.code, "unsupported");
  for (const pid of [0, -1]) assertThrows(() => kill(pid), RangeError, "would mean all processes");
  assertThrows(() => kill("1" as unknown as number), TypeError, "wants a process id or a child");
  assertThrows(() => kill(1, {} as unknown as string), TypeError, "signal must be a name or");
});

Deno.test("unref() and ref() of a child whose end is on its way to us harm nothing", async () => {
  const child = unwrap(exec("read line", { stdin: "piped" }));
  const { prototype } = Deno.ChildProcess;
  const { ref, unref } = prototype;
  let error: Error = new Deno.errors.BadResource("Bad resource ID");
  // So it is from the end that the runtime has seen until we are told.
  prototype.ref = prototype.unref = () => {
    throw error;
  };
  try {
    child.unref();
    const waiting = child.wait();
    child.ref();
    await child.stdin.close();
    assertEquals((await waiting)[0]?.signal, null);
    // Only that is no error.
    error = new TypeError("another");
    assertThrows(() => child.unref(), TypeError, "another");
  } finally {
    Object.assign(prototype, { ref, unref });
  }
});
