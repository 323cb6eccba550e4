/** How large each test is, in one table. `COEVENT_TEST_SIZE` chooses the column. */

/** The name of a column. */
export type Size = "quick" | "full" | "soak";

const TABLE = {
  /** Runs of the property test over `stream.pair()`, 64 KiB each. */
  pairRuns: { quick: 200, full: 10_000, soak: 100_000 },
  /** Runs of the property test over each kind of real socket, 1 MB each. */
  socketRuns: { quick: 5, full: 100, soak: 1_000 },
  /** Tagged requests through a pool whose idle sockets are killed and garbled. */
  taggedRequests: { quick: 10_000, full: 10_000, soak: 100_000 },
  /** Users after one that did not read its answer. */
  lateUsers: { quick: 1_000, full: 1_000, soak: 10_000 },
  /** Callers of a pool of 4 at the same time. */
  poolCallers: { quick: 1_000, full: 1_000, soak: 5_000 },
  /** Times a killed receive is followed by a whole one. */
  kills: { quick: 500, full: 5_000, soak: 50_000 },
  /** Seeds of the scheduler under a fake clock. */
  schedSeeds: { quick: 50, full: 1_000, soak: 10_000 },
  /** A large file, in megabytes. */
  fileMegabytes: { quick: 20, full: 300, soak: 1_000 },
  /** File handles that are open at the same time. */
  handles: { quick: 300, full: 1_000, soak: 1_000 },
  /** Times a program is killed in the middle of `write_atomic`. */
  atomicKills: { quick: 10, full: 200, soak: 1_000 },
  /** Children that are started one after the other. */
  spawns: { quick: 200, full: 2_000, soak: 20_000 },
  /** Times a loop is held up while an idle peer dies. */
  stalls: { quick: 20, full: 200, soak: 1_000 },
  /** Connections that a server holds at the same time. */
  serverConnections: { quick: 500, full: 10_000, soak: 10_000 },
  /** Connections to a server that are opened and closed again. */
  connectCycles: { quick: 2_000, full: 100_000, soak: 1_000_000 },
  /** Seeds of the bad proxy, for each test that runs through it. */
  chaosSeeds: { quick: 3, full: 200, soak: 2_000 },
  /** Inputs for each fuzzed parser or codec: about 5 and 60 seconds in all. */
  fuzzRuns: { quick: 1_000, full: 12_000, soak: 200_000 },
  /** Connections to an HTTP server that are kept, and used, at the same time. */
  httpConnections: { quick: 300, full: 10_000, soak: 10_000 },
  /** WebSockets that are open at the same time, both ends in one program. */
  webSockets: { quick: 100, full: 2_000, soak: 5_000 },
  /** Requests of an HTTP client that are given up in every way. */
  clientRequests: { quick: 320, full: 8_000, soak: 100_000 },
  /** Seeds of what contexts do and suffer in any order. */
  contextSeeds: { quick: 5, full: 40, soak: 2_000 },
} as const satisfies Record<string, Record<Size, number>>;

const chosen = Deno.env.get("COEVENT_TEST_SIZE") ?? "quick";
if (chosen !== "quick" && chosen !== "full" && chosen !== "soak") {
  throw new RangeError(`COEVENT_TEST_SIZE must be quick, full or soak: got '${chosen}'`);
}

/** The column in use. */
export const size: Size = chosen;

/** The sizes in use. */
export const sizes = Object.fromEntries(
  Object.entries(TABLE).map(([name, row]) => [name, row[size]]),
) as Record<keyof typeof TABLE, number>;
