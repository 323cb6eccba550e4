import { placeOf, type Site } from "./_caller.ts";
import type { Level, LevelName } from "./levels.ts";

/** A line that waits to be written. */
export interface Entry {
  /** Milliseconds since 1970. */
  time: number;
  level: Level;
  /** Text fit for one line; for JSON, the members of its own. */
  body: string;
  site: Site;
}

const NAMES = ["DEBUG", "INFO", "NOTICE", "WARN", "ALERT", "ERR"] as const;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
] as const;

/** Colours of a terminal by level: bold for what matters, red for what failed. */
const COLOURS = ["90", "32", "36", "33", "35", "31"] as const;

/** The name of a level. */
export function nameOf(level: Level): LevelName {
  return NAMES[level - 1]!;
}

/** `Sat, 21 Nov 2026 00:23:52 [4711-server.ts:12] INFO text`, with its line feed. */
export function textLine(entry: Entry): string {
  return `${dateOf(entry.time)} [${Deno.pid}-${placeOf(entry.site)}] ${nameOf(entry.level)} ` +
    `${entry.body}\n`;
}

/** The same for a terminal, the level in colour. */
export function colourLine(entry: Entry): string {
  const name = `\x1b[${COLOURS[entry.level - 1]}m${nameOf(entry.level)}\x1b[0m`;
  return `${dateOf(entry.time)} [${Deno.pid}-${placeOf(entry.site)}] ${name} ${entry.body}\n`;
}

/** One JSON object, with its line feed. */
export function jsonLine(entry: Entry): string {
  return `{"time":"${new Date(entry.time).toISOString()}","level":"${nameOf(entry.level)}",` +
    `"pid":${Deno.pid},"at":${JSON.stringify(placeOf(entry.site))},${entry.body}}\n`;
}

let lastSecond = NaN;
let lastDate = "";

/** The local time; made anew once a second. */
function dateOf(time: number): string {
  const second = Math.floor(time / 1000);
  if (second === lastSecond) return lastDate;
  const date = new Date(time);
  lastSecond = second;
  lastDate = `${DAYS[date.getDay()]}, ${two(date.getDate())} ${MONTHS[date.getMonth()]} ` +
    `${date.getFullYear()} ${two(date.getHours())}:${two(date.getMinutes())}:` +
    two(date.getSeconds());
  return lastDate;
}

/** A number in two digits. */
export function two(value: number): string {
  return String(value).padStart(2, "0");
}
