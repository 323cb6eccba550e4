/** What the contexts of the bench do, and the same over a bare port, in the same thread. */
import type { Inside } from "../../context/mod.ts";

/** A message as programs send it. */
export interface Small {
  do: string;
  value: number;
}

/** What it is asked; all else is echoed. Sends are counted. */
export type Question =
  | "count"
  | { port: MessagePort }
  | { to: number; messages: number }
  | { through: MessagePort; messages: number }
  | { busy: number };

/** Counts, echoes, or sends to another, as it is told. */
export default async function worker(inside: Inside<unknown, unknown>): Promise<void> {
  let count = 0;
  for (;;) {
    const [message, err] = await inside.recv();
    if (err !== null) return;
    if (message.session === 0) {
      count++;
      continue;
    }
    const question = message.value as Question;
    if (question === "count") {
      inside.reply(message, count);
      count = 0;
    } else if (typeof question !== "object") inside.reply(message, question);
    else if ("port" in question) {
      serve(question.port);
      inside.reply(message, true);
    } else if ("to" in question) {
      const target = inside.handle(question.to);
      for (let value = 0; value < question.messages; value++) {
        await target.send({ do: "count", value });
      }
      inside.reply(message, (await target.query("count"))[0]);
    } else if ("through" in question) {
      const { through, messages } = question;
      for (let value = 0; value < messages; value++) through.postMessage({ do: "count", value });
      through.postMessage("count");
      through.onmessage = (event) => {
        through.close();
        inside.reply(message, event.data);
      };
    } else if ("busy" in question) {
      busy(question.busy);
      inside.reply(message, true);
    } else inside.reply(message, question);
  }
}

/** Counts and echoes over a port. */
function serve(port: MessagePort): void {
  let count = 0;
  port.onmessage = ({ data }) => {
    if (data === "count") {
      port.postMessage(count);
      count = 0;
    } else if (Array.isArray(data)) {
      if (typeof data[0] === "number") port.postMessage(data);
      else count += data.length;
    } else count++;
  };
}

/** Rounds of the loop below that take about a millisecond here. */
const ROUNDS = 450_000;

/**
 * Uses the processor for about so many milliseconds: always the same work, for a clock would
 * count the time that others use it, too.
 */
export function busy(milliseconds: number): number {
  let hash = 1;
  for (let round = 0; round < milliseconds * ROUNDS; round++) {
    hash = Math.imul(hash ^ round, 0x01000193);
  }
  return hash;
}
