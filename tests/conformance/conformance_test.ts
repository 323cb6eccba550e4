/** Each rule of the table holds as its row says, and the page of the docs is the table. */
import { assert, assertEquals } from "@std/assert";
import { pool_stats } from "../../cosocket/mod.ts";
import { CHAPTERS, page } from "./rules.ts";

for (const rules of Object.values(CHAPTERS)) {
  for (const { of, rule, verdict, check } of rules) {
    Deno.test(`${of}: ${rule} (${verdict})`, async () => {
      await check();
      assertEquals(pool_stats(), []);
    });
  }
}

Deno.test("the table has rules of every kind, none of them twice", () => {
  const all = Object.values(CHAPTERS).flat();
  assert(all.length >= 60, `only ${all.length} rules`);
  assertEquals(new Set(all.map(({ of, rule }) => of + rule)).size, all.length);
});

Deno.test("docs/conformance.md is what the table says (deno task conformance writes it)", async () => {
  const written = await Deno.readTextFile("docs/conformance.md");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--line-width=100", "--ext=md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page()));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(written, new TextDecoder().decode(stdout));
});
