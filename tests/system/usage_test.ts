import { assert, assertEquals, assertThrows } from "@std/assert";
import { type CpuInfo, cpuusage, unwrap } from "../../system/mod.ts";
import { usageBetween } from "../../system/_usage.ts";
import { FakeClock, kill, newthread, wait } from "../../thread/mod.ts";

/** Processors that have spent these times, in the order user, nice, sys, idle, irq. */
function cpus(...rows: [number, number, number, number, number][]): CpuInfo[] {
  return rows.map(([user, nice, sys, idle, irq]) => {
    return { model: "test", speed: 0, times: { user, nice, sys, idle, irq } };
  });
}

Deno.test("cpuusage() says what share of the interval each processor was busy", () => {
  const before = cpus([100, 0, 50, 1000, 0], [0, 0, 0, 0, 0]);
  const after = cpus([150, 10, 70, 1010, 10], [0, 0, 0, 100, 0]);
  const usage = usageBetween(before, after);
  assertEquals(usage.cores, [
    { busy: 0.9, user: 0.5, nice: 0.1, sys: 0.2, idle: 0.1, irq: 0.1 },
    { busy: 0, user: 0, nice: 0, sys: 0, idle: 1, irq: 0 },
  ]);
  assertEquals([usage.busy, usage.user, usage.idle], [0.45, 0.25, 0.55]);
});

Deno.test("cpuusage() takes a processor that counted nothing for idle", () => {
  const usage = usageBetween(cpus([5, 0, 0, 5, 0]), cpus([5, 0, 0, 5, 0]));
  assertEquals([usage.busy, usage.idle], [0, 1]);
});

Deno.test("cpuusage() leaves out a processor that came or went", () => {
  const one = cpus([0, 0, 0, 0, 0]);
  const two = cpus([10, 0, 0, 10, 0], [999, 0, 0, 0, 0]);
  assertEquals(usageBetween(one, two).cores.length, 1);
  assertEquals(usageBetween(two, cpus([20, 0, 0, 20, 0])).busy, 0.5);
});

Deno.test("cpuusage() never gives a negative share when a count goes back", () => {
  const { cores: [core] } = usageBetween(cpus([50, 0, 0, 100, 0]), cpus([40, 0, 0, 150, 0]));
  assertEquals([core!.user, core!.busy, core!.idle], [0, 0, 1]);
});

Deno.test("cpuusage() sees this program being busy", async () => {
  const watched = cpuusage(100);
  const until = performance.now() + 120;
  while (performance.now() < until);
  const usage = unwrap(await watched);
  assert(usage.busy > 0, "nothing was busy while this test was");
  for (const core of usage.cores) assert(core.busy >= 0 && core.busy <= 1);
});

Deno.test("cpuusage() watches as long as it was told, a second by default", async () => {
  using clock = new FakeClock();
  const done: string[] = [];
  const short = cpuusage(250).then(() => done.push("250"));
  const long = cpuusage().then(() => done.push("1000"));
  await clock.tick(249);
  assertEquals(done, []);
  await clock.tick(1);
  await short;
  await clock.tick(749);
  assertEquals(done, ["250"]);
  await clock.tick(1);
  await long;
  assertEquals(done, ["250", "1000"]);
});

Deno.test("cpuusage() ends with cancelled when its signal is aborted, and leaves no timer", async () => {
  const controller = new AbortController();
  const watched = cpuusage(60_000, { signal: controller.signal });
  controller.abort();
  assertEquals((await watched)[1]?.code, "cancelled");
  assertEquals((await cpuusage(60_000, { signal: controller.signal }))[1]?.code, "cancelled");
});

Deno.test("cpuusage() ends when its thread is killed, and leaves no timer", async () => {
  const thread = newthread(() => cpuusage(60_000));
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
});

Deno.test("cpuusage() throws for an interval that is none", () => {
  assertThrows(() => cpuusage(0), RangeError, "interval must be above 0");
  assertThrows(() => cpuusage(-1), RangeError, "got -1");
  assertThrows(() => cpuusage(Infinity), RangeError, "finite");
  assertThrows(() => cpuusage("1" as unknown as number), TypeError, "got string");
});
