import { basename, dirname, join } from "node:path";
import { two } from "./_line.ts";
import type { Period } from "./_spec.ts";

/** A file that was rotated away. */
interface Old {
  name: string;
  stamp: string;
  /** 0, or the number behind it when several have the same stamp. */
  number: number;
}

/** When the period that `time` is in began, by local time. */
export function periodStart(period: Period, time: number): number {
  const date = new Date(time);
  date.setMinutes(0, 0, 0);
  if (period !== "h") date.setHours(0);
  if (period === "w") date.setDate(date.getDate() - (date.getDay() + 6) % 7);
  if (period === "m") date.setDate(1);
  return date.getTime();
}

/** The path that a log file gets when it is rotated away: `app.log-2026-11-21-00`, as in aLiLua. */
export function oldPath(path: string, time: number): string {
  const date = new Date(time);
  const stamp = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}-` +
    two(date.getHours());
  // Above the highest, not the first that is free: removed ones must not be followed up.
  const numbers = oldFiles(path).filter((old) => old.stamp === stamp).map((old) => old.number);
  const number = numbers.length === 0 ? 0 : Math.max(...numbers) + 1;
  return `${path}-${stamp}${number === 0 ? "" : `.${number}`}`;
}

/** Removes all but the `keep` newest files that were rotated away. */
export function removeOld(path: string, keep: number): void {
  if (keep === Infinity) return;
  const old = oldFiles(path).sort((a, b) => {
    return a.stamp === b.stamp ? b.number - a.number : a.stamp < b.stamp ? 1 : -1;
  });
  for (const { name } of old.slice(keep)) {
    try {
      Deno.removeSync(join(dirname(path), name));
    } catch (error) {
      // Another process of the same log was faster.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** The files that this log rotated away; nothing else is ever touched. */
function oldFiles(path: string): Old[] {
  const begin = `${basename(path)}-`;
  const found: Old[] = [];
  for (const { name, isFile } of Deno.readDirSync(dirname(path))) {
    if (!isFile || !name.startsWith(begin)) continue;
    const parts = /^(\d{4}-\d\d-\d\d-\d\d)(?:\.(\d+))?$/.exec(name.slice(begin.length));
    if (parts !== null) found.push({ name, stamp: parts[1]!, number: Number(parts[2] ?? 0) });
  }
  return found;
}
