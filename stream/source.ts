import type { Bytes } from "../core/mod.ts";

/** Who is at the other end of a connection. */
export type Peer =
  | { /** `tcp`. */ family: "tcp"; /** An IP address. */ ip: string; /** A port. */ port: number }
  | { /** `unix`. */ family: "unix"; /** A path; empty where it has none. */ path: string };

/**
 * What a stream stands on: four functions over a connection, a pipe, a file, memory.
 * From them a {@linkcode BufferedStream} makes patterns, deadlines, one reader and
 * one writer, kill and close.
 *
 * At most one `read`, one `write` and one `end` are under way at a time. A failure
 * rejects with the platform's error, or with an `IoError`.
 */
export interface Source {
  /** Waits for bytes, writes them into `into`, gives their count; `null` at the end. */
  read(into: Bytes): Promise<number | null>;
  /** Hands bytes on and gives how many were taken, at least one. */
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the other side that no more will be sent. */
  end(): Promise<void>;
  /**
   * Gives everything back; `at_once` without a farewell to the other side. A read or
   * write under way rejects, or never settles; `under_way` says whether there is one.
   */
  close(at_once: boolean, under_way?: boolean): void | Promise<void>;
  /** A read under way keeps the program alive; in memory it does not. */
  readonly keeps_alive: boolean;
  /**
   * Closing it while input is unread, or still to come, makes the system throw away
   * output that the peer has not read yet, as TCP does.
   */
  readonly lingers?: boolean;
  /** Whether a read under way keeps the program alive from now on. */
  ref?(alive: boolean): void;
  /** Nothing can be sent on it, so that nothing is left of it when its end has been read. */
  readonly receives_only?: boolean;
  /** A read that nobody waits for must not keep the program alive: `ref` is told of it. */
  readonly lets_go?: boolean;
  /** Who is at the other end, where that is known. */
  readonly remote?: Peer;
}
