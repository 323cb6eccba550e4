/** What becomes of children when their program ends before them. */
import { assertEquals } from "@std/assert";
import { isGone, killQuietly, runDeno, startDeno, untilGone } from "./programs.ts";

/** Starts a child with a child of its own, and prints both ids. */
const FAMILY = `
  const child = p.unwrap(p.popen("sleep 60 & echo $! $$; wait", "r", { stderr: "null" }));
  console.log(await p.unwrap(child.receive()));`;

/** The same, and neither heeds SIGTERM, SIGINT or SIGHUP. */
const DEAF = `
  const child = p.unwrap(p.popen("trap '' TERM INT HUP; sleep 60 & echo $! $$; wait; sleep 60", "r",
    { stderr: "null" }));
  console.log(await p.unwrap(child.receive()));`;

const pidsOf = (line: string | null | undefined) => line!.split(" ").map(Number);

for (
  const [how, code, status] of [
    ["Deno.exit()", "Deno.exit(3);", 3],
    ["exit()", "p.exit(4);", 4],
    ["exit() by a signal", 'p.exit("SIGTERM");', 143],
    ["an error that nobody catches", 'throw new Error("nobody catches this");', 1],
    ["an error in a timer", 'setTimeout(() => { throw new Error("nobody catches this") });', 1],
    ["a natural end after unref()", "child.unref(); await child.close();", 0],
  ] as const
) {
  Deno.test(`${how} ends the children, deaf ones too, with their own`, async () => {
    for (const family of [FAMILY, DEAF]) {
      const ran = await runDeno(`${family}\n${code}`);
      assertEquals(ran.status.code, status, ran.errors);
      await Promise.all(pidsOf(ran.lines[0]).map(untilGone));
    }
  });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`${signal} ends the children and then the program, by that signal`, async () => {
    await using program = await startDeno(FAMILY);
    const pids = pidsOf(await program.line());
    program.kill(signal);
    assertEquals((await program.status).signal, signal);
    await Promise.all(pids.map(untilGone));
  });
}

Deno.test("what may end the program is listened for before a child starts, not only after", async () => {
  const ran = await runDeno(
    `const { addSignalListener } = Deno;
    const { spawn } = Deno.Command.prototype;
    Deno.addSignalListener = (...args) => (console.log(args[0]), addSignalListener(...args));
    Deno.Command.prototype.spawn = function () { console.log("spawn"); return spawn.call(this); };
    await p.unwrap(p.exec(["true"])).wait();`,
  );
  assertEquals(ran.lines, ["SIGINT", "SIGTERM", "SIGHUP", "spawn"], ran.errors);
});

Deno.test("a second SIGINT does not wait for children that are deaf to the first", async () => {
  await using program = await startDeno(
    `${DEAF}
    // Heard beside the listener of the module, so that the test knows of the first signal.
    p.signal.register("SIGCHLD", () => {});
    const seen = p.unwrap(p.exec(["sleep", "60"]));
    seen.wait().then(([status]) => console.log("ended by", status.signal));
    console.log("ready");`,
  );
  const pids = pidsOf(await program.line());
  assertEquals(await program.line(), "ready");
  program.kill("SIGINT");
  assertEquals(await program.line(), "ended by SIGINT");
  assertEquals(pids.map(isGone), [false, false]);
  program.kill("SIGINT");
  assertEquals((await program.status).signal, "SIGINT");
  await Promise.all(pids.map(untilGone));
});

Deno.test("a program that handles a signal decides itself, and its children run on", async () => {
  await using program = await startDeno(
    `${FAMILY}
    p.signal.register("SIGTERM", () => console.log("handled"));
    console.log("ready");`,
  );
  const pids = pidsOf(await program.line());
  assertEquals(await program.line(), "ready");
  program.kill("SIGTERM");
  assertEquals(await program.line(), "handled");
  assertEquals(pids.map(isGone), [false, false]);
  program.kill("SIGINT");
  assertEquals((await program.status).signal, "SIGINT");
  await Promise.all(pids.map(untilGone));
});

Deno.test("a program that handles signals by signal.register or node:process ends when it wants to", async () => {
  const { lines, errors, status } = await runDeno(
    `import process from "node:process";
    const child = p.unwrap(p.exec(["sleep", "60"]));
    const handled = [Promise.withResolvers(), Promise.withResolvers()];
    p.signal.register("SIGTERM", () => handled[0].resolve("registered"));
    process.on("SIGHUP", () => handled[1].resolve("listened"));
    const alive = setTimeout(() => {}, 60_000);
    for (const [n, name] of ["SIGTERM", "SIGHUP"].entries()) {
      Deno.kill(Deno.pid, name);
      console.log(await handled[n].promise);
    }
    clearTimeout(alive);
    console.log(child.status);
    p.unwrap(child.kill("SIGKILL"));
    console.log(p.unwrap(await child.wait()).signal);
    process.removeAllListeners("SIGHUP");
    p.signal.unregister("SIGTERM");`,
  );
  assertEquals(lines, ["registered", "listened", "null", "SIGKILL"], errors);
  assertEquals(status.code, 0);
});

Deno.test("a program that listens to SIGINT past the module lives on, and its children end", async () => {
  await using program = await startDeno(
    `// What the module does a second after the signal, it does when it is told to.
    const { setTimeout } = globalThis;
    const second = Promise.withResolvers();
    globalThis.setTimeout = (fn, ms) => ms === 1_000 ? second.resolve(fn) : setTimeout(fn, ms);
    const clock = new thread.FakeClock();
    let heard = 0;
    const twice = Promise.withResolvers();
    Deno.addSignalListener("SIGINT", () => {
      console.log("heard", ++heard);
      if (heard === 2) twice.resolve();
    });
    ${FAMILY}
    const file = new URL("data:text/javascript,0");
    const ended = Promise.withResolvers();
    const forever = { delay: 1_000_000 };
    const paused = p.unwrap(p.fork({ file, forever, onexit: ended.resolve }));
    await ended.promise;
    console.log("ready");
    let over = null;
    second.promise.then((fn) => over = fn);
    // SIGINT does not end what runs behind in a shell; SIGTERM does, long before SIGKILL.
    for (let n = 0; over === null && n < 4_000; n++) {
      await clock.tick(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // What it sends itself has come: who starts a child before makes it listen, and send anew.
    await twice.promise;
    console.log((await child.wait())[0].signal);
    // As long as the program may be ending, nothing is started anew.
    await clock.tick(1_000_000);
    await paused.wait();
    const late = p.unwrap(p.fork({ file, forever: { delay: 1 } }));
    await late.wait();
    console.log(paused.restarts, late.restarts);
    over();
    const again = Promise.withResolvers();
    let runs = 0;
    const onexit = () => ++runs === 2 && again.resolve();
    const anew = p.unwrap(p.fork({ file, forever: { delay: 1 }, onexit }));
    while (runs < 2) {
      await clock.tick(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await anew.stop();
    await child.close();
    console.log("lives");
    clock[Symbol.dispose]();
    Deno.exit(0);`,
  );
  const pids = pidsOf(await program.line());
  assertEquals(await program.line(), "ready");
  program.kill("SIGINT");
  const lines = [];
  for (let n = 0; n < 5; n++) lines.push(await program.line());
  assertEquals(lines, ["heard 1", "heard 2", "SIGINT", "0 0", "lives"]);
  assertEquals((await program.status).code, 0);
  assertEquals(pids.map(isGone), [true, true]);
});

Deno.test("a child that begins while the program ends by a signal ends with it", async () => {
  await using program = await startDeno(
    `const child = p.unwrap(p.exec(["sleep", "60"]));
    const { kill } = Deno;
    Deno.kill = (pid, signal) => {
      if (pid !== Deno.pid) return kill(pid, signal);
      // Between the sending and the arrival, which is another thread's, a child begins.
      Deno.kill = kill;
      const late = p.unwrap(p.exec(["sleep", "60"]));
      console.log(child.pid, late.pid);
      kill(pid, signal);
    };
    console.log("ready");`,
  );
  assertEquals(await program.line(), "ready");
  program.kill("SIGINT");
  const pids = pidsOf(await program.line());
  assertEquals((await program.status).signal, "SIGINT");
  await Promise.all(pids.map(untilGone));
});

Deno.test("an error that somebody takes care of ends no child", async () => {
  const ran = await runDeno(
    `addEventListener("unhandledrejection", (event) => event.preventDefault());
     ${FAMILY}
     Promise.reject(new Error("somebody takes care"));
     setTimeout(() => { console.log(child.status); child.kill("KILL"); }, 5);
     await child.wait();
     await child.close();`,
  );
  assertEquals(ran.lines[1], "null", ran.errors);
  await Promise.all(pidsOf(ran.lines[0]).map(untilGone));
});

Deno.test("a detached child outlives the program, which does not wait for it", async () => {
  const ran = await runDeno(
    `const child = p.unwrap(p.exec(["sleep", "60"], { detached: true, stdout: "null", stderr: "null" }));
     console.log(child.pid);`,
  );
  assertEquals(ran.status.code, 0);
  const pid = Number(ran.lines[0]);
  assertEquals(isGone(pid), false);
  killQuietly(pid);
  await untilGone(pid);
});

Deno.test("who waits for a detached child holds the program", async () => {
  const ran = await runDeno(
    `const child = p.unwrap(p.exec("sleep 0.05; exit 8", { detached: true }));
     console.log((await child.wait())[0].code);`,
  );
  assertEquals(ran.lines, ["8"]);
});

Deno.test("a child holds the program until it ends", async () => {
  const ran = await runDeno(
    `p.exec("sleep 0.05; exit 8");
     addEventListener("unload", async () => console.log(p.children().length));`,
  );
  assertEquals(ran.lines, ["0"]);
});

Deno.test("a forked child that is started forever is not started anew at the program's end", async () => {
  await using program = await startDeno(
    `const file = new URL("data:text/typescript,setInterval(()=>{},1000);console.log(Deno.pid)");
     const child = p.unwrap(p.fork({ file, forever: { delay: 1 } }));
     child.wait().then(([status]) => console.log("over", status.signal, child.restarts));`,
  );
  const pid = Number(await program.line());
  program.kill("SIGTERM");
  assertEquals((await program.status).signal, "SIGTERM");
  assertEquals(await program.line(), "over SIGTERM 0");
  await untilGone(pid);
});

Deno.test("the end of the program reaches the group under a narrow permission too", async () => {
  const ran = await runDeno(`${DEAF}\nDeno.exit(2);`, ["--allow-run=sh"]);
  assertEquals(ran.status.code, 2, ran.errors);
  await Promise.all(pidsOf(ran.lines[0]).map(untilGone));
});
