import type { Level, LevelName, NO } from "./levels.ts";

/** What a log lets through: that level and those above it; `NO` nothing. */
export type Threshold = Level | LevelName | typeof NO | "NO";

/** A log file, spelled out. As a string: `"path[,level][,rotate]"`. */
export interface LogOptions {
  /**
   * The file; it is made if it is not there, its folder is not. `-` is stderr. A relative
   * path is resolved when the log is opened.
   */
  path: string;
  /** What is let through; `NOTICE` by default. */
  level?: Threshold;
  /**
   * When a new file is begun, and how many old ones are kept: `h`, `d`, `w` or `m` (each
   * hour, day, week from Monday, month, by local time) or a size (`10M`; `K`, `M` or `G`
   * of 1024), then the count: `d7`, `10Mx5`. Without a count all are kept. Left out,
   * there is no rotation.
   */
  rotate?: string;
  /** `text` (the default) or `json`: one object a line. */
  format?: "text" | "json";
}

/** Named values that belong to a line. */
export type Fields = Record<string, unknown>;

/** What a log has done so far. */
export interface LogStats {
  /** The file, or `-` for stderr. */
  path: string;
  /** Lines written since it was opened. */
  written: number;
  /** Lines lost, to a full disk for instance, since it was opened. */
  lost: number;
  /** Lines that wait for the event loop's next turn. */
  queued: number;
}
