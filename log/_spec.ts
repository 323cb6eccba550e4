import { DEBUG, type Level, NO, NOTICE } from "./levels.ts";
import type { LogOptions, Threshold } from "./types.ts";

/** The kinds of period after which a new file is begun. */
export type Period = "h" | "d" | "w" | "m";

/** When a new file is begun, and how many old ones are kept. */
export interface Rotation {
  period: Period | null;
  /** In bytes; `Infinity` where size does not count. */
  size: number;
  keep: number;
}

/** A log file, checked. */
export interface Spec {
  path: string;
  level: Level | typeof NO;
  rotation: Rotation | null;
  format: "text" | "json";
}

const LEVELS: Readonly<Record<string, Level | typeof NO>> = {
  DEBUG: 1,
  INFO: 2,
  NOTICE: 3,
  WARN: 4,
  ALERT: 5,
  ERR: 6,
  NO: 7,
};

const UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Reads what a caller gave; throws `TypeError` or `RangeError` where it makes no sense. */
export function specOf(caller: string, given: string | LogOptions): Spec {
  const options = typeof given === "string" ? split(caller, given) : given;
  if (typeof options !== "object" || options === null || typeof options.path !== "string") {
    throw new TypeError(
      `${caller} wants "path[,level][,rotate]" or an object with a path: got ${kind(given)}`,
    );
  }
  const { path, level = NOTICE, rotate, format = "text" } = options;
  if (path === "") throw new RangeError(`${caller}: the path is empty`);
  if (format !== "text" && format !== "json") {
    throw new RangeError(`${caller}: format must be "text" or "json": got '${format}'`);
  }
  return {
    path,
    level: levelOf(caller, level),
    rotation: rotate === undefined ? null : rotationOf(caller, rotate),
    format,
  };
}

/** `app.log,INFO,d7`; level and rotation may each be left out, or empty. */
function split(caller: string, spec: string): LogOptions {
  const [path = "", ...rest] = spec.split(",").map((part) => part.trim());
  const options: LogOptions = { path };
  if (rest.length > 2) {
    throw new RangeError(
      `${caller}: '${spec}' has more than path, level and rotation; ` +
        `a path with a comma in it goes into { path }`,
    );
  }
  const [first = "", second = ""] = rest;
  // "app.log,d7": what cannot be a level must be the rotation.
  const only = rest.length === 1 && !isLevelWord(first);
  if (first !== "" && !only) options.level = first as Threshold;
  const rotate = only ? first : second;
  if (rotate !== "") options.rotate = rotate;
  return options;
}

function isLevelWord(word: string): boolean {
  return word.toUpperCase() in LEVELS || /^\d+$/.test(word);
}

/** Whether a value is the level of a line. */
export function isLevel(value: unknown): value is Level {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 6;
}

function levelOf(caller: string, level: unknown): Level | typeof NO {
  const value = typeof level === "string" && !/^\d+$/.test(level)
    ? LEVELS[level.toUpperCase()]
    : Number(level);
  if (value === undefined || !Number.isInteger(value) || value < DEBUG || value > NO) {
    throw new RangeError(
      `${caller}: level must be 1 to 7 or one of ${Object.keys(LEVELS).join(" ")}: got '${level}'`,
    );
  }
  return value as Level | typeof NO;
}

function rotationOf(caller: string, rotate: string): Rotation {
  const byTime = /^([hdwm])(\d*)$/.exec(rotate);
  const bySize = /^(\d+)([KMG])(?:x(\d+))?$/.exec(rotate);
  if (byTime === null && bySize === null) {
    throw new RangeError(
      `${caller}: rotation must be h, d, w, m or a size, then how many to keep ` +
        `("d7", "10Mx5"): got '${rotate}'`,
    );
  }
  const count = byTime === null ? bySize![3] : byTime[2];
  const keep = count === undefined || count === "" ? Infinity : Number(count);
  if (byTime !== null) return { period: byTime[1] as Period, size: Infinity, keep };
  const size = Number(bySize![1]) * UNITS[bySize![2]!]!;
  if (size === 0) throw new RangeError(`${caller}: a file of size 0 holds nothing: '${rotate}'`);
  return { period: null, size, keep };
}

function kind(given: unknown): string {
  return given === null ? "null" : typeof given;
}
