/** What the first modules of an isolated context import and call. */
import process from "node:process";
import { current } from "./_home.ts";
import { Link } from "./_link.ts";
import { Member } from "./_member.ts";
import type { Batch } from "./_packet.ts";

/** The module of the context, as soon as it has been evaluated. */
const module = Promise.withResolvers<{ default?: unknown }>();

/** Joins the program, as its process number `place`; called before the module is evaluated. */
export function connect(place: number): void {
  const link = new Link(true, (batch) => void process.send?.(batch));
  const member = new Member(place, link, async () => (await module.promise).default);
  process.on("message", (batch: Batch, socket?: unknown) => {
    current.handed = socket;
    member.take(batch);
    current.handed = undefined;
  });
  // Whoever is stuck from here on, is so in the module.
  link.post({ k: "pong" });
  link.flush();
  // Without its creator there is nobody to serve.
  process.on("disconnect", () => Deno.exit(0));
}

/** Hands over the module. */
export function serve(evaluated: { default?: unknown }): void {
  module.resolve(evaluated);
}
