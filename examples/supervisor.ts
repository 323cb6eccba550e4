/**
 * Keeps two children running: a context that fails at every third question, and a command
 * that gets SIGKILL (`kill -9`) twice. Watch them come back.
 *
 *     deno run --allow-read=. --allow-run=sleep examples/supervisor.ts
 *     npx -y deno@2.9.6 task example supervisor
 */
import {
  type Context,
  create,
  type Inside,
  process_child,
  supervise,
  unwrap,
} from "@alilua/coevent/context";
import { type Child, exec } from "@alilua/coevent/process";
import { on_error, queue } from "@alilua/coevent/thread";

/** Answers twice, then falls over. */
export default async function shaky(inside: Inside<string, string>): Promise<void> {
  for (let asked = 1;; asked++) {
    const message = unwrap(await inside.recv());
    if (asked === 3) throw new Error("one question too many");
    inside.reply(message, message.value.toUpperCase());
  }
}

if (import.meta.main) {
  try {
    on_error((error, where) => console.log(`${where}: ${String(error).split("\n")[0]}`));
    const started = queue<string>();
    let command: Child | null = null;
    const tree = unwrap(
      await supervise([
        {
          name: "shaky",
          async start() {
            const context = await create<string, string>(new URL(import.meta.url));
            await started.put("shaky");
            return context;
          },
        },
        {
          name: "command",
          async start() {
            const [child, err] = exec(["sleep", "60"]);
            if (err) return [null, err];
            command = child;
            await started.put("command");
            return await process_child([child, null]);
          },
        },
      ]),
    );
    for (let n = 0; n < 2; n++) console.log(unwrap(await started.get()), "has started");

    const ask = async (word: string) => {
      const [answer, err] = await (tree.child("shaky") as Context<string, string>).query(word);
      console.log(err ? `no answer: ${err.reason}` : answer);
    };
    for (const word of ["one", "two", "three"]) await ask(word);
    console.log(unwrap(await started.get()), "is back");
    while (tree.child("shaky") === null) await new Promise((resolve) => setTimeout(resolve));
    await ask("again");

    for (let n = 0; n < 2; n++) {
      unwrap(command!.kill("SIGKILL"));
      console.log(unwrap(await started.get()), "is back");
    }
    await tree.stop();
    console.log("stopped, and nothing is left");
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}
