/**
 * Counts primes in as many contexts as there are processors.
 *
 *     deno run --allow-read=. examples/worker_pool.ts
 *     npx -y deno@2.9.6 task example worker_pool 200000
 */
import { create, type Inside, unwrap } from "@alilua/coevent/context";

type Range = [from: number, to: number];

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return n > 1;
}

/** Answers each range with the number of its primes. */
export default async function count(inside: Inside<Range, number>): Promise<void> {
  for (;;) {
    const message = unwrap(await inside.recv());
    const [from, to] = message.value;
    let primes = 0;
    for (let n = from; n < to; n++) if (isPrime(n)) primes++;
    inside.reply(message, primes);
  }
}

if (import.meta.main) {
  try {
    const limit = Number(Deno.args[0] ?? 200_000);
    const url = new URL(import.meta.url);
    const pool = await Promise.all(
      Array.from(
        { length: navigator.hardwareConcurrency },
        async () => unwrap(await create<Range, number>(url)),
      ),
    );
    const step = 10_000;
    const ranges: Range[] = [];
    for (let from = 0; from < limit; from += step) {
      ranges.push([from, Math.min(from + step, limit)]);
    }
    // Each context takes the next range when it is done with one.
    const counts = await Promise.all(pool.map(async (worker) => {
      let primes = 0;
      for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
        primes += unwrap(await worker.query(range, { timeout: 30_000 }));
      }
      worker.destroy("done");
      return primes;
    }));
    console.log(`${counts.reduce((sum, n) => sum + n, 0)} primes below ${limit}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}
