/**
 * Keeps a context running that fails at every third question.
 *
 *     deno run --allow-read=. examples/supervisor.ts
 *     npx -y deno@2.9.6 task example supervisor
 */
import { type Context, create, type Inside, supervise, unwrap } from "@alilua/coevent/context";

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
    const url = new URL(import.meta.url);
    const restarted = Promise.withResolvers<void>();
    let starts = 0;
    const tree = unwrap(
      await supervise([{
        name: "shaky",
        async start() {
          const started = await create<string, string>(url);
          if (++starts === 2) restarted.resolve();
          return started;
        },
      }]),
    );
    const ask = async (word: string) => {
      const [answer, err] = await (tree.child("shaky") as Context<string, string>).query(word);
      console.log(err ? `gone: ${err.reason}` : answer);
    };
    for (const word of ["one", "two", "three"]) await ask(word);
    await restarted.promise;
    await new Promise((resolve) => setTimeout(resolve));
    await ask("again");
    await tree.stop();
    console.log(`stopped after ${starts} starts`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}
