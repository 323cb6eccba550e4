/**
 * What a seed makes of one direction of one connection. Every decision is made for a place
 * in the stream, never for a moment, so that a seed means the same on every machine.
 */
import { random } from "../stream/promise.ts";

/** How a connection is brought down. */
export type End = "truncate" | "reset" | "half-close" | "blackhole";

/** Every way to bring a connection down. */
export const ENDS: readonly End[] = ["truncate", "reset", "half-close", "blackhole"];

/** What may befall the connections through a proxy. */
export interface Weather {
  /** The share of connections that are brought down; the others arrive whole. */
  deadly: number;
  /** The ways in which they are. */
  ends?: readonly End[];
  /** They are brought down within so many bytes; 4,096 by default. */
  within?: number;
  /** Behind so many bytes of a direction, pieces pass as they come; 64 KiB by default. */
  rough?: number;
}

/** One piece of a direction: so many bytes, after a pause. */
export interface Piece {
  bytes: number;
  /** Milliseconds; 0 is a turn of the event loop. */
  pause: number;
}

/** A connection's end: in one direction, behind so many bytes of it. */
export interface Fate {
  end: End;
  direction: "up" | "down";
  at: number;
}

/** Mixes a connection's number into the seed. */
function stir(seed: number, connection: number, salt: number): number {
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(connection + 1, 0x85ebca6b) ^ salt) >>> 0;
}

/** The pieces of one direction, one after the other, without end. */
export function* piecesOf(
  seed: number,
  connection: number,
  direction: "up" | "down",
  { rough = 64 * 1024 }: Weather,
): Generator<Piece, never> {
  const next = random(stir(seed, connection, direction === "up" ? 1 : 2));
  const upTo = (most: number) => 1 + Math.floor(next() * most);
  for (let at = 0; at < rough;) {
    const kind = next();
    const count = kind < 0.3 ? upTo(20) : 1;
    const bytes = kind < 0.3 ? 1 : kind < 0.6 ? upTo(60) : kind < 0.8 ? upTo(2_000) : upTo(65_536);
    // Delays are usual and short; a stall is rare and long.
    const pause = next() < 0.1 ? upTo(3) : next() < 0.01 ? 30 : 0;
    for (let n = 0; n < count; n++) {
      yield { bytes, pause: n === 0 ? pause : 0 };
      at += bytes;
    }
  }
  for (;;) yield { bytes: Infinity, pause: 0 };
}

/** How a connection ends, if it is brought down. */
export function fateOf(seed: number, connection: number, weather: Weather): Fate | null {
  const { deadly, ends = ENDS, within = 4_096 } = weather;
  const next = random(stir(seed, connection, 3));
  if (next() >= deadly) return null;
  const end = ends[Math.floor(next() * ends.length)]!;
  const direction = next() < 0.5 ? "up" : "down";
  // As many ends within the first bytes as far behind them.
  return { end, direction, at: Math.floor(within ** next()) - 1 };
}
