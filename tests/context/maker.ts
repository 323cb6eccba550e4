import type { Inside } from "../../context/mod.ts";
import type { Order } from "./worker.ts";

/** Creates a context of its own, asks it once, and tells what came. */
export default async function maker(inside: Inside<string, unknown>): Promise<void> {
  const [message, err] = await inside.recv();
  if (err) return;
  const [child, failed] = await inside.create<Order, string>(message.value);
  if (failed) throw failed;
  const [answer] = await child.query({ do: "echo", value: "from the child" });
  await child.send({ do: "parent" });
  const [told] = await inside.recv();
  inside.reply(message, [answer, told?.from.id === child.id]);
  child.destroy();
  await child.wait();
}
