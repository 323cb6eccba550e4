/** Children end with the block that holds them; and no class that a block ends is forgotten. */
import { assertEquals } from "@std/assert";
import { type Child, exec, popen, unwrap } from "../process/mod.ts";
import { namesOf } from "../tools/names.ts";
import { entries } from "../tools/project.ts";
import { HELD, type Held, testBlocks } from "./dispose.ts";

const stopped = (child: Child) => async () => {
  assertEquals(unwrap(await child.wait()).signal, "SIGTERM");
};

const CHILDREN: Held = {
  "a child": () => {
    const child = unwrap(exec(["sleep", "60"]));
    return [child, stopped(child)];
  },
  ChildStream: () => {
    const child = unwrap(popen(["sleep", "60"]));
    return [child, async () => assertEquals(unwrap(await child.wait()).signal, "SIGTERM")];
  },
};

testBlocks(CHILDREN);

Deno.test("the table holds every class that ends with a block", async () => {
  const missing = (await namesOf(await entries())).map(({ name }) => name.split(".["))
    .filter(([name, end]) =>
      end === "Symbol.asyncDispose]" && !(name! in { ...HELD, ...CHILDREN })
    );
  assertEquals(missing, []);
});
