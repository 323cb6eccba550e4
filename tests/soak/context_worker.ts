import type { Inside } from "../../context/mod.ts";

/** Answers each message. */
export default async function answer(inside: Inside<string, string>): Promise<void> {
  for (;;) {
    const [message, err] = await inside.recv();
    if (err) return;
    inside.reply(message, `${message.value} back`);
  }
}
