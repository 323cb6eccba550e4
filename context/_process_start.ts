/** What the first module of an isolated context calls. */
import process from "node:process";
import { Link } from "./_link.ts";
import { Member } from "./_member.ts";
import type { Packet } from "./_packet.ts";

/** Runs the one context of this process; its module is loaded by `load`. */
export function start(load: () => Promise<{ default?: unknown }>): void {
  const link = new Link((batch) => void process.send?.(batch));
  const member = new Member(link, async () => (await load()).default);
  process.on("message", (batch: Packet[]) => member.take(batch));
  link.post({ k: "pong" });
  // Without its creator there is nobody to serve.
  process.on("disconnect", () => Deno.exit(0));
}
