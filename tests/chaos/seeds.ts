/** Runs a test once a seed; a failing seed prints the one command that replays it. */

const only = Deno.env.get("COEVENT_SEED");

/** The seeds of this run: the one that is replayed, or so many from 1. */
export function seeds(count: number): number[] {
  return only === undefined ? Array.from({ length: count }, (_, n) => n + 1) : [Number(only)];
}

/** Runs `fn` for every seed, so many side by side: most of them wait most of the time. */
export async function each(
  all: number[],
  rows: number,
  fn: (seed: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const row = async () => {
    while (next < all.length) await fn(all[next++]!);
  };
  await Promise.all(Array.from({ length: rows }, row));
}

/** Runs `fn` with a seed, and says how to run it again if it throws. */
export async function seeded<T>(seed: number, file: string, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (cause) {
    const size = Deno.env.get("COEVENT_TEST_SIZE") === "full" ? "test:full" : "test";
    const words = `seed ${seed} failed; replay it with: COEVENT_SEED=${seed} deno task ${size} ` +
      `tests/chaos/${file}`;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${words}\n${message}`, { cause });
  }
}
