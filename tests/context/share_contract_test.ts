/** A shared stream keeps the whole contract of streams, wherever its owner is. */
import { setImmediate } from "node:timers";
import { claim, create, share, unwrap } from "../../context/mod.ts";
import { listen } from "../../cosocket/mod.ts";
import { pair } from "../../stream/mod.ts";
import { checkStream, type Ends } from "../contract/check_stream.ts";
import { size } from "../sizes.ts";
import type { Request } from "./sharer.ts";

/** The owner is in this thread, and what it shares in memory: nothing but the relay. */
async function here(): Promise<Ends & AsyncDisposable> {
  const [own, peer] = pair();
  const far = unwrap(await claim(unwrap(share(own))));
  return {
    a: far,
    b: peer,
    async [Symbol.asyncDispose]() {
      await own.close();
    },
  };
}

/** The owner is a context elsewhere. */
async function elsewhere(isolated: boolean): Promise<Ends & AsyncDisposable> {
  const server = unwrap(await listen("127.0.0.1", 0));
  const options = isolated ? { isolated, permissions: ["--allow-net=127.0.0.1"] } : {};
  const url = new URL("./sharer.ts", import.meta.url);
  const ctx = unwrap(await create<Request, string>(url, options));
  const address = unwrap(await ctx.query({ do: "connect", port: server.port }));
  const peer = unwrap(await server.accept());
  const far = unwrap(await claim(address));
  return {
    a: far,
    b: peer,
    async [Symbol.asyncDispose]() {
      ctx.destroy();
      await ctx.wait();
      await server.close();
      // The runtime gives the thread's port up some turns after its end.
      for (let turns = 0; turns < 100; turns++) await new Promise((go) => setImmediate(go));
    },
  };
}

async function turned(ends: Promise<Ends & AsyncDisposable>): Promise<Ends & AsyncDisposable> {
  const { a, b, [Symbol.asyncDispose]: dispose } = await ends;
  return { a: b, b: a, [Symbol.asyncDispose]: dispose };
}

checkStream("shared in this thread, from claimant to peer", here);
checkStream("shared in this thread, from peer to claimant", () => turned(here()));
// Each test starts a thread or a process of its own.
if (size !== "quick") {
  checkStream("shared by another thread, from claimant to peer", () => elsewhere(false));
  checkStream("shared by another thread, from peer to claimant", () => turned(elsewhere(false)));
  checkStream("shared by a process, from peer to claimant", () => turned(elsewhere(true)));
}
