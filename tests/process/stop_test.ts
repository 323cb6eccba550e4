import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Group } from "../../core/mod.ts";
import { children, exec, kill, popen, unwrap } from "../../process/mod.ts";
import { kill as killThread, newthread, wait } from "../../thread/mod.ts";
import { onSystem } from "../other_system.ts";
import { isGone, killQuietly, runDeno, untilGone } from "./programs.ts";

/** A child and a child of its own, both deaf to SIGTERM; prints both ids. */
const DEAF = `trap '' TERM; sh -c "trap '' TERM; echo \\$\\$; while :; do sleep 1; done" &
  echo $$; while :; do sleep 1; done`;

async function start(command: string) {
  const child = unwrap(popen(command, "r", { stderr: "null" }));
  const pids = [Number(await unwrap(child.receive())), Number(await unwrap(child.receive()))];
  assertEquals(pids.map(isGone), [false, false]);
  return { child, pids };
}

Deno.test("Child.stop() ends a child and its child that trap SIGTERM, when the grace is over", async () => {
  const { child, pids } = await start(DEAF);
  const begun = performance.now();
  const [status, err] = await child.stop({ grace: 100 });
  const took = performance.now() - begun;
  assertEquals([status?.signal, err], ["SIGKILL", null]);
  assert(took >= 100, `only ${took} ms`);
  assertEquals(pids.map(isGone), [true, true]);
  await child.close();
});

Deno.test("Child.stop() ends what heeds SIGTERM without SIGKILL, grandchildren too", async () => {
  const { child, pids } = await start(
    "trap 'exit 7' TERM; sh -c 'echo $$; exec sleep 60' & echo $$; wait",
  );
  const [status] = await child.stop({ grace: 60_000 });
  assertEquals([status?.code, status?.signal], [7, null]);
  assertEquals(pids.map(isGone), [true, true]);
  await child.close();
});

Deno.test("Child.stop() waits for a grandchild that takes its time, and kills a deaf one", async () => {
  const slow = await start(
    `sh -c "trap 'sleep 0.05; echo done; exit' TERM; echo \\$\\$; while :; do sleep 0.01; done" &
    echo $$; wait`,
  );
  assertEquals((await slow.child.stop({ grace: 60_000 }))[0]?.signal, "SIGTERM");
  assertEquals(await slow.child.receive(), ["done", null]);
  assertEquals(slow.pids.map(isGone), [true, true]);
  await slow.child.close();
  const deaf = await start(
    `sh -c "trap '' TERM; echo \\$\\$; while :; do sleep 1; done" & echo $$; wait`,
  );
  assertEquals((await deaf.child.stop({ grace: 50 }))[0]?.signal, "SIGTERM");
  assertEquals(deaf.pids.map(isGone), [true, true]);
  await deaf.child.close();
});

Deno.test("kill() of a child that has ended, while others of its group are being stopped, gives gone", async () => {
  const { child, pids } = await start(
    `sh -c "trap '' TERM; echo \\$\\$; while :; do sleep 1; done" & echo $$; wait`,
  );
  const stopping = child.stop({ grace: 60_000 });
  await child.wait();
  assertEquals(children().find(({ pid }) => pid === child.pid)?.state, "stopping");
  for (const [, err] of [kill(child.pid), kill(child)]) {
    assertEquals([err?.code, err?.reason], ["gone", "killed"]);
  }
  assertEquals((await child.stop({ grace: 0 }))[0]?.signal, "SIGTERM");
  assertEquals((await stopping)[0]?.signal, "SIGTERM");
  assertEquals(pids.map(isGone), [true, true]);
  await child.close();
});

Deno.test("kill() by the process id reaches a child alone, and by the child its whole group", async () => {
  for (const alone of [true, false]) {
    const { child, pids } = await start("sleep 60 & echo $!; echo $$; wait");
    kill(alone ? child.pid : child);
    assertEquals((await unwrap(child.wait())).signal, "SIGTERM");
    if (alone) {
      assertEquals(isGone(pids[0]!), false);
      killQuietly(pids[0]!);
    }
    await untilGone(pids[0]!);
    await child.close();
  }
});

Deno.test("stop() and kill() give the system's no, at the first signal and at the last", async () => {
  const { lines, errors } = await runDeno(
    `const { kill } = Deno;
    let refused = ["SIGTERM", "SIGKILL"];
    let Refusal = Deno.errors.PermissionDenied;
    Deno.kill = (pid, signal) => {
      if (refused.includes(signal)) throw new Refusal("no");
      kill(pid, signal);
    };
    const [one, two] = [p.unwrap(p.exec(["sleep", "60"])), p.unwrap(p.exec(["sleep", "60"]))];
    console.log((await one.stop())[1].code);
    console.log((await two.stop({ grace: 0 }))[1].code);
    console.log(one.kill()[1].message);
    Refusal = Deno.errors.NotFound;
    console.log(one.kill()[1].code, one.kill()[1].reason);
    refused = [];
    for (const child of [one, two]) {
      child.kill("KILL");
      await child.wait();
    }`,
  );
  assertEquals([lines[0], lines[1], lines[3]], ["denied", "denied", "gone exited"], errors);
  assertStringIncludes(lines[2]!, "Cannot send SIGTERM to sleep");
});

Deno.test("Child.stop() ends a group whose state may not be seen, or not be signalled by a helper", async () => {
  const narrow = await runDeno(
    `const child = p.unwrap(p.popen("trap '' TERM; echo $$; while :; do sleep 1; done"));
    await child.receive();
    console.log((await child.stop({ grace: 20 }))[0].signal);
    await child.close();`,
    ["--allow-run", "--allow-read=/proc"],
  );
  assertEquals(narrow.lines, ["SIGKILL"], narrow.errors);
  const helpless = await runDeno(
    `Deno.Command.prototype.outputSync = () => ({ success: false });
    const child = p.unwrap(p.exec("exec sleep 60"));
    console.log(child.kill()[0], (await child.wait())[0].signal);`,
    ["--allow-run=sh"],
  );
  assertEquals(helpless.lines, ["true SIGTERM"], helpless.errors);
});

Deno.test("Child.stop() with a grace of 0 kills at once, and a second stop hastens the first", async () => {
  const one = await start(DEAF);
  assertEquals((await one.child.stop({ grace: 0 }))[0]?.signal, "SIGKILL");
  assertEquals(one.pids.map(isGone), [true, true]);
  await one.child.close();
  const two = await start(DEAF);
  const patient = two.child.stop({ grace: 60_000 });
  assertEquals((await two.child.stop({ grace: 0 }))[0]?.signal, "SIGKILL");
  assertEquals((await patient)[0]?.signal, "SIGKILL");
  await two.child.close();
});

Deno.test("Child.stop() goes on when nobody waits for it any more", async () => {
  const { child, pids } = await start(DEAF);
  assertEquals((await child.stop({ grace: 60, timeout: 5 }))[1]?.code, "timeout");
  assertEquals(child.status, null);
  const stopper = newthread(() => child.stop());
  killThread(stopper);
  assertEquals((await wait(stopper))[1]?.code, "killed");
  assertEquals((await unwrap(child.wait())).signal, "SIGKILL");
  await Promise.all(pids.map(untilGone));
  await child.stop();
  await child.close();
});

Deno.test("Child.stop() of a child that has ended gives how, and signals nobody", async () => {
  const child = unwrap(exec("exit 3"));
  await child.wait();
  assertEquals((await unwrap(child.stop())).code, 3);
  await using twice = unwrap(exec("exit 4"));
  assertEquals((await unwrap(twice.wait())).code, 4);
  assertThrows(() => child.stop({ grace: -1 }), RangeError, "grace must be 0");
});

/** Starts a deaf family under narrow permissions, stops it and says who is left. */
const FAMILY = (command: string) => `
  const child = p.unwrap(p.popen(${command}, "r", { stderr: "null" }));
  const pids = [await p.unwrap(child.receive()), await p.unwrap(child.receive())];
  console.log(pids.join(" "));
  const [status, err] = await child.stop({ grace: 30 });
  console.log(status?.signal ?? err.code);
  await child.close();`;

Deno.test("Child.stop() reaches the group through sh or kill, where only those may be run", async () => {
  const text = JSON.stringify(DEAF);
  const cases = [
    { command: text, flags: ["--allow-run=sh"] },
    { command: `["dash", "-c", ${text}]`, flags: ["--allow-run=dash,kill"] },
  ];
  for (const { command, flags } of cases) {
    const { lines, errors } = await runDeno(FAMILY(command), flags);
    assertEquals(lines[1], "SIGKILL", errors);
    await Promise.all(lines[0]!.split(" ").map(Number).map(untilGone));
  }
});

Deno.test("Child.stop() ends the child alone where nothing else may be run", async () => {
  const command = `["dash", "-c", ${JSON.stringify(DEAF)}]`;
  const { lines, errors } = await runDeno(FAMILY(command), ["--allow-run=dash"]);
  assertEquals(lines[1], "SIGKILL", errors);
  const [grandchild, child] = lines[0]!.split(" ").map(Number).sort((a, b) => b - a);
  await untilGone(child!);
  assertEquals(isGone(grandchild!), false);
  killQuietly(-child!);
  await untilGone(grandchild!);
});

Deno.test("on Windows, which has no groups, a signal goes to the child alone, and nobody says what it leaves", async () => {
  const heard: unknown[] = [];
  const leader = { pid: 1, kill: (name: string) => heard.push(name) };
  const group = new Group(leader as unknown as Deno.ChildProcess, "it");
  const { kill } = Deno;
  Deno.kill = (pid, signal) => void heard.push([pid, signal]);
  try {
    await onSystem("windows", () => {
      assertEquals([group.signal("SIGTERM"), group.lives(), heard], [null, null, ["SIGTERM"]]);
      group.leaderEnded();
      assertEquals([group.signal("SIGTERM")?.code, group.lives()], ["gone", false]);
    });
  } finally {
    Deno.kill = kill;
  }
  assertEquals(heard, ["SIGTERM"]);
});
