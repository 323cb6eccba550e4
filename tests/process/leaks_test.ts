import { assertEquals } from "@std/assert";
import { exec, unwrap } from "../../process/mod.ts";
import { sizes } from "../sizes.ts";
import { runDeno } from "./programs.ts";

/** Ways to have a child, as programs: whatever else the tests have open must not count. */
const KINDS: Record<string, string> = {
  "exec() and wait()": `await thread.unwrap(p.exec(["true"])).wait();`,
  "popen() read to its end": `await using child = thread.unwrap(p.popen(["echo", "x"]));
    await child.receive("*a");
    await child.wait();`,
  "popen() closed unread": `await using child =
      thread.unwrap(p.popen(["cat"], "rw", { stderr: "piped" }));
    await child.send("x");`,
  "run_process()": `await p.run_process(["cat"], { input: "x" });`,
};

for (const [kind, code] of Object.entries(KINDS)) {
  Deno.test({
    name: `${kind} leaves no descriptor and no child behind`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const times = kind.startsWith("exec") ? sizes.spawns : sizes.spawns / 4;
      const { lines, errors } = await runDeno(`
        const run = async () => { ${code} };
        const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
        await run();
        const before = descriptors();
        for (let n = 0; n < ${times}; n++) await run();
        console.log(descriptors() <= before ? "none" : descriptors() - before);
        console.log(p.children().length);
      `);
      assertEquals([lines, errors], [["none", "0"], ""]);
    },
  });
}

Deno.test("a pipe that was read to its end needs no close, and one that was not is told", async () => {
  const { lines, errors } = await runDeno(
    `
    let over;
    const registry = new FinalizationRegistry(() => over());
    const collected = (fn) => new Promise((resolve) => { over = resolve; fn(); });
    const next = () => new Promise((resolve) => thread.on_error((_, about) => resolve(about)));
    const told = next();
    const collecting = setInterval(gc, 5);
    await collected(async () => {
      const child = thread.unwrap(p.exec(["echo", "x"], { stdout: "piped" }));
      registry.register(child.stdout);
      for await (const line of child.stdout.lines()) console.log(line);
      await child.wait();
    });
    await collected(async () => {
      const child = thread.unwrap(p.exec(["cat"], { stdout: "piped" }));
      registry.register(child.stdout);
      await child.wait();
    });
    console.log(await told);
    clearInterval(collecting);
  `,
    ["-A", "--v8-flags=--expose-gc"],
  );
  assertEquals([lines, errors], [["x", "stream stdout of cat"], ""]);
});

Deno.test("many children at once all tell how they ended", async () => {
  const all = Array.from({ length: 40 }, (_, n) => unwrap(exec(`exit ${n}`)));
  const codes = await Promise.all(all.map(async (child) => (await unwrap(child.wait())).code));
  assertEquals(codes, all.map((_, n) => n));
});
