import type { Inside } from "../../context/mod.ts";

/** What the tests ask of it. */
export type Order = { do: string; value?: unknown };

/** Serves until told to end; each order is a way to live or to die. */
export default async function serve(inside: Inside<Order, unknown>): Promise<void> {
  if (inside.args[0] === "throw") throw new Error("at once");
  if (inside.args[0] === "return") return;
  for (;;) {
    const [message, err] = await inside.recv();
    if (err) return;
    const { do: what, value } = message.value;
    if (what === "echo") inside.reply(message, value);
    if (what === "tell") await message.from.send(value);
    if (what === "parent") await inside.parent.send("your child");
    if (what === "args") inside.reply(message, [inside.name, inside.args]);
    if (what === "add") Atomics.add(value as Int32Array, 0, 1);
    if (what === "exit") Deno.exit(3);
    if (what === "kill") Deno.kill(Deno.pid, "SIGKILL");
    if (what === "throw") throw new Error("thrown on request");
    if (what === "return") return;
    if (what === "spin") { for (;;); }
    if (what === "permission") {
      inside.reply(message, (await Deno.permissions.query({ name: "net" })).state);
    }
  }
}
