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

Deno.test("many children at once all tell how they ended", async () => {
  const all = Array.from({ length: 40 }, (_, n) => unwrap(exec(`exit ${n}`)));
  const codes = await Promise.all(all.map(async (child) => (await unwrap(child.wait())).code));
  assertEquals(codes, all.map((_, n) => n));
});
