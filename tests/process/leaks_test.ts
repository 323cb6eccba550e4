import { assert, assertEquals } from "@std/assert";
import { children, exec, popen, run_process, unwrap } from "../../process/mod.ts";
import { descriptors } from "./programs.ts";
import { sizes } from "../sizes.ts";

const LINUX = Deno.build.os === "linux";
const TIMES = "spawns" in sizes ? Number(sizes.spawns) : 200;

const KINDS: Record<string, () => Promise<unknown>> = {
  "exec() and wait()": () => unwrap(exec(["true"])).wait(),
  "popen() read to its end": async () => {
    await using child = unwrap(popen(["echo", "x"]));
    assertEquals(await child.receive("*a", { encoding: "utf-8" }), ["x\n", null]);
    await child.wait();
  },
  "popen() closed unread": async () => {
    await using child = unwrap(popen(["cat"], "rw", { stderr: "piped" }));
    await child.send("x");
  },
  "run_process()": () => run_process(["cat"], { input: "x" }),
};

for (const [kind, run] of Object.entries(KINDS)) {
  Deno.test({
    name: `${kind} leaves no descriptor and no child behind`,
    ignore: !LINUX,
    async fn() {
      await run();
      const [before, running] = [descriptors(), children().length];
      const times = kind.startsWith("exec") ? TIMES : 50;
      for (let n = 0; n < times; n++) await run();
      assert(descriptors() <= before, `${before} before, ${descriptors()} after`);
      assertEquals(children().length, running);
    },
  });
}

Deno.test("many children at once all tell how they ended", async () => {
  const all = Array.from({ length: 40 }, (_, n) => unwrap(exec(`exit ${n}`)));
  const codes = await Promise.all(all.map(async (child) => (await unwrap(child.wait())).code));
  assertEquals(codes, all.map((_, n) => n));
});
