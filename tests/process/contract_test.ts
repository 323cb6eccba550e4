/** The stream contract over the pipes of real children. */
import { assertEquals } from "@std/assert";
import { exec, unwrap } from "../../process/mod.ts";
import { BufferedStream } from "../../stream/mod.ts";
import { PipeSource } from "../../process/_pipes.ts";
import { checkStream } from "../contract/check_stream.ts";

/**
 * Two ends, joined by two `cat`: each end writes to one and reads from the other. A
 * `cat` holds up to 128 KiB beside the pipes, so that little is `overfull`.
 */
checkStream("pipes through cat", () => {
  const cat = () =>
    new Deno.Command("cat", { stdin: "piped", stdout: "piped", detached: true }).spawn();
  const [there, back] = [cat(), cat()];
  const end = (from: Deno.ChildProcess, to: Deno.ChildProcess, name: string) => {
    return new BufferedStream(new PipeSource({ readable: from.stdout, writable: to.stdin }, name), {
      name,
    });
  };
  return Promise.resolve({
    a: end(back, there, "a"),
    b: end(there, back, "b"),
    async [Symbol.asyncDispose]() {
      await Promise.all([there.status, back.status]);
    },
  });
}, { overfull: 4 * 1024 * 1024 });

Deno.test("the pipes of a child keep the contract's promise over exec() too", async () => {
  await using child = unwrap(exec(["cat"], { stdin: "piped", stdout: "piped" }));
  await child.stdin.send("half a ");
  await child.stdout.peek(7);
  assertEquals((await child.stdout.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
  await child.stdin.send("line\n");
  assertEquals(await child.stdout.receive(), ["half a line", null]);
});
