/** What the first module of an isolated context calls. */
import process from "node:process";
import { own } from "../core/mod.ts";
import { current } from "./_home.ts";
import { Link } from "./_link.ts";
import { Member } from "./_member.ts";
import type { Batch } from "./_packet.ts";

/** Runs the one context of this process, whose number is `place`; `load` loads its module. */
export function start(place: number, load: () => Promise<{ default?: unknown }>): void {
  const link = new Link(true, (batch) => void process.send?.(batch));
  // Told at once: who is killed tells nothing any more.
  const tell = (pid: number, runs: boolean) => {
    link.post({ k: "child", pid, runs });
    link.flush();
  };
  own.brood = {
    listens: false,
    expect: () => true,
    enter: (pid) => tell(pid, true),
    fail() {},
    leave: (pid) => tell(pid, false),
    begin() {},
  };
  const member = new Member(place, link, async () => (await load()).default);
  process.on("message", (batch: Batch, socket?: unknown) => {
    current.handed = socket;
    member.take(batch);
    current.handed = undefined;
  });
  // The module is loaded when it is asked for, in a later turn: what is stuck then, is stuck in it.
  link.post({ k: "pong" });
  link.flush();
  // Without its creator there is nobody to serve.
  process.on("disconnect", () => Deno.exit(0));
}
