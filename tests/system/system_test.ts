import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  cpuinfo,
  endian,
  hostname,
  hrtime,
  limits,
  loadavg,
  meminfo,
  network_interfaces,
  parallelism,
  release,
  type,
  unwrap,
  uptime,
} from "../../system/mod.ts";
import { onSystem } from "../other_system.ts";

Deno.test("cpuinfo() gives each processor with LuaIO's fields", () => {
  const cpus = unwrap(cpuinfo());
  assert(cpus.length >= 1);
  for (const { model, speed, times } of cpus) {
    assertEquals([typeof model, typeof speed], ["string", "number"]);
    assertEquals(Object.keys(times), ["user", "nice", "sys", "idle", "irq"]);
    assert(times.idle > 0, "a processor that never was idle");
  }
});

Deno.test("meminfo() gives bytes, each part within the whole", () => {
  const memory = unwrap(meminfo());
  assert(memory.total > 2 ** 20);
  assert(memory.free > 0 && memory.free <= memory.total);
  assert(memory.available > 0 && memory.available <= memory.total);
  assert(memory.swap_free <= memory.swap_total);
});

Deno.test("meminfo() agrees with /proc/meminfo", { ignore: Deno.build.os !== "linux" }, () => {
  const file = Deno.readTextFileSync("/proc/meminfo");
  const field = (name: string) =>
    1024 * Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(file)![1]);
  const { total, swap_total } = unwrap(meminfo());
  assertEquals([total, swap_total], [field("MemTotal"), field("SwapTotal")]);
});

Deno.test("loadavg() gives three averages", () => {
  const load = unwrap(loadavg());
  assertEquals(load.map((one) => one >= 0), [true, true, true]);
});

Deno.test("hrtime() counts nanoseconds and never goes back", () => {
  // Each clock is read inside and outside of the other, so the bounds hold on any machine.
  const nanoseconds = () => BigInt(Math.round(performance.now() * 1e6));
  const [outer, begun, inner] = [nanoseconds(), hrtime(), nanoseconds()];
  let last = begun;
  for (let i = 0; i < 10_000; i++) {
    const now = hrtime();
    assert(now >= last);
    last = now;
  }
  const passed = nanoseconds() - inner;
  const measured = hrtime() - begun;
  const most = nanoseconds() - outer;
  assert(passed <= measured + 1000n, `${measured} ns, but ${passed} passed meanwhile`);
  assert(measured <= most + 1000n, `${measured} ns, but only ${most} passed`);
});

Deno.test("uptime() gives whole seconds since the machine came up", () => {
  const seconds = unwrap(uptime());
  assert(Number.isInteger(seconds) && seconds * 1000 > performance.now());
});

Deno.test("network_interfaces() lists the loopback as internal", () => {
  const all = unwrap(network_interfaces());
  const [loopback] = all.filter((one) => one.address === "127.0.0.1");
  assertEquals([loopback?.internal, loopback?.family, loopback?.scope_id], [true, "IPv4", null]);
  assertEquals(loopback?.cidr, "127.0.0.1/8");
});

Deno.test("hostname() and release() give text, type and endian LuaIO's words", () => {
  assertMatch(unwrap(hostname()), /./);
  assertMatch(unwrap(release()), /\d/);
  assertEquals(
    type,
    { linux: "Linux", darwin: "Darwin", windows: "Windows_NT" }[Deno.build.os as string],
  );
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  assertEquals(endian, little ? "LE" : "BE");
});

Deno.test("parallelism() is at least 1 and at most the processors there are", () => {
  assert(parallelism() >= 1 && parallelism() <= unwrap(cpuinfo()).length);
});

Deno.test(
  "limits() reads this machine's control groups",
  { ignore: Deno.build.os !== "linux" },
  () => {
    const { version, cpus, memory, memory_used } = unwrap(limits());
    assert(version === null || version === 1 || version === 2);
    assert(cpus === null || cpus > 0);
    assert(memory === null || memory > 0);
    assert(memory_used === null || memory_used >= 0);
  },
);

Deno.test("limits() gives unsupported, not a machine without limits, where there are no control groups", async () => {
  const [found, err] = await onSystem("darwin", limits);
  assertEquals([found, err?.code], [null, "unsupported"]);
  assertMatch(err!.message, /^Cannot read the control group's limits: darwin has no/);
});
