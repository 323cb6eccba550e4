/** A context with a process of its own, whose id it tells; it ends as it is told to. */
import type { Inside } from "../../context/mod.ts";
import { exec, unwrap } from "../../process/mod.ts";

export default async function (inside: Inside<string, number>): Promise<void> {
  const deaf = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"];
  const command = inside.args[0] === "deaf" ? deaf : ["sleep", "600"];
  const { pid } = unwrap(exec(command, { stdout: "null", stderr: "null" }));
  for (;;) {
    const [message, err] = await inside.recv();
    if (err !== null) return;
    if (message.value === "pid") inside.reply(message, pid);
    if (message.value === "own pid") inside.reply(message, Deno.pid);
    if (message.value === "hear") {
      const listener = () => inside.reply(message, 0);
      Deno.addSignalListener("SIGTERM", listener);
    }
    if (message.value === "spin") {
      inside.reply(message, 0);
      // From a process the answer takes its way only now.
      if (inside.args[1] === "soon") await new Promise((resolve) => setTimeout(resolve, 0));
      for (;;);
    }
    if (message.value === "return") return;
    if (message.value === "throw") throw new Error("thrown on request");
    if (message.value === "exit") Deno.exit(3);
    if (message.value === "close") globalThis.close();
  }
}
