import { claim, type Inside, open, share, unwrap } from "../../context/mod.ts";
import { connect } from "../../cosocket/mod.ts";
import type { BufferedStream } from "../../stream/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";

/** What a context with one stream is told to do. */
export type Request = {
  do: string;
  port?: number;
  address?: string;
  text?: string;
  count?: number;
};

/** Has one stream, its own or a shared one, and does with it what it is told. */
export default async function sharer(inside: Inside<Request, unknown>): Promise<void> {
  let sock: BufferedStream | null = null;
  const doit = async ({ do: what, port = 0, address = "", text = "", count = 1 }: Request) => {
    if (what === "connect") {
      const [made, err] = await connect("127.0.0.1", port);
      if (err) return err.code;
      sock = made;
      return share(made, { inside })[0];
    } else if (what === "open" || what === "claim") {
      const [made, err] = await (what === "open" ? open : claim)(address, { inside });
      if (err) return err.code;
      sock = made;
      return what;
    } else if (what === "claim, killed") {
      const claiming = newthread(() => claim(address, { inside }));
      kill(claiming);
      return (await wait(claiming))[1]?.code;
    } else if (what === "send") {
      const sends = Array.from({ length: count }, () => sock!.send(text));
      const failed = (await Promise.all(sends)).find(([, err]) => err !== null);
      return failed?.[1]?.code ?? "sent";
    } else if (what === "cut as it begins") {
      const behind = unwrap(await open(address, { inside }));
      const first = sock!.send(new Uint8Array(count));
      const second = behind.send(new Uint8Array(count));
      await first;
      // That the line is free and that nobody wants it goes to the owner in one turn.
      behind.close_immediately();
      return (await second)[1]?.code;
    } else if (what === "receive") {
      const [line, err] = await sock!.receive();
      return err?.code ?? line;
    } else if (what === "receive, briefly") {
      const [line, err] = await sock!.receive("*l", { timeout: 10 });
      return err?.code ?? line;
    } else if (what === "close") return (await sock!.close())[0];
    else if (what === "cut") return sock!.close_immediately()[0];
    else if (what === "kind") return sock!.constructor.name;
    else if (what === "exit") Deno.exit(3);
    else if (what === "kill") Deno.kill(Deno.pid, "SIGKILL");
  };
  for (;;) {
    const [message, err] = await inside.recv();
    if (err || message.value.do === "return") return;
    if (message.value.do === "throw") throw new Error("thrown on request");
    inside.run(async () => void inside.reply(message, await doit(message.value)));
  }
}
