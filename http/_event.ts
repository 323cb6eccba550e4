import { checkTimeout } from "../core/mod.ts";
import { kindOf, shown } from "./_check.ts";
import type { EventOptions } from "./types.ts";

/** A server-sent event as text; throws `TypeError` for what would become another field. */
export function eventOf(data: string, { event, id, retry }: EventOptions): string {
  if (typeof data !== "string") {
    throw new TypeError(`event wants its data as a string: got ${kindOf(data)}`);
  }
  let text = "";
  if (event !== undefined) text += `event: ${oneLine(event, "event")}\n`;
  if (id !== undefined) text += `id: ${oneLine(id, "id")}\n`;
  if (retry !== undefined) text += `retry: ${Math.round(checkTimeout(retry, "event: retry"))}\n`;
  // Any of the three ends a line to the browser.
  for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  return `${text}\n`;
}

function oneLine(value: string, name: string): string {
  if (typeof value === "string" && !/[\r\n\0]/.test(value)) return value;
  throw new TypeError(`event: ${name} must be one line of text: got ${shown(value)}`);
}
