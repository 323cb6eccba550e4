import type { Brood } from "../core/mod.ts";
import type { Hand } from "./_home.ts";
import type { Link } from "./_link.ts";
import type { Ending } from "./types.ts";

/** A worker thread or a process, seen from the main thread. */
export interface Place {
  /** Counts up from 1; the main thread is 0. */
  readonly number: number;
  readonly isolated: boolean;
  readonly link: Link;
  readonly ids: Set<number>;
  /** How to call off what its contexts create, by the numbers it gave to that. */
  readonly asks: Map<number, () => void>;
  /** Whether anything came since the last heartbeat, and how many beats nothing did. */
  heard: boolean;
  silent: number;
  /** Its first word has come. */
  started: boolean;
  /** Set when it is on its way out: no new context goes there. */
  over: boolean;
  /** It was told to leave, and has said that it does. */
  leaves: boolean;
  /** How its end is told, where that is known better than from how it went. */
  verdict: Ending | null;
  /** It has been killed for its silence, or given up if it is a thread. */
  killed: boolean;
  /** Ends it, whatever it is doing; a process ends by SIGTERM as it likes to. */
  kill(signal?: "SIGTERM"): void;
  /** The id of its process; 0 of a thread. */
  pid: number;
  /** What it has started, as far as is known; for when it cannot end that itself. */
  readonly brood: Brood;
  /** Posts mail with a socket; only a process can be given one. */
  hand: Hand | null;
  readonly gone: Promise<Ending>;
}

/** One that has just been started. */
export function makePlace(
  number: number,
  isolated: boolean,
  link: Link,
  brood: Brood,
  gone: Promise<Ending>,
  kill: (signal?: "SIGTERM") => void,
): Place {
  return {
    number,
    isolated,
    link,
    ids: new Set(),
    asks: new Map(),
    heard: true,
    silent: 0,
    started: false,
    over: false,
    leaves: false,
    verdict: null,
    killed: false,
    kill,
    pid: 0,
    brood,
    hand: null,
    gone,
  };
}
