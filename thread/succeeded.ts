import type { IoError } from "../core/mod.ts";

/** What a function that returns `R` gives when it succeeds: of a `Result` the value. */
export type Succeeded<R> = Awaited<R> extends readonly [unknown, IoError | null]
  ? Exclude<Awaited<R>, readonly [null, IoError]>[0]
  : Awaited<R>;
