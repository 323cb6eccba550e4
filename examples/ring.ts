/**
 * Sends a message round a ring of contexts, 1,000 by default, which share the threads.
 *
 *     deno run --allow-read=. examples/ring.ts
 *     npx -y deno@2.9.6 task example ring 100
 */
import { type Context, create, type Inside, inside, unwrap } from "@alilua/coevent/context";

/** The first message is the next one's id; whatever comes after goes on to it. */
export default async function member(inside: Inside<number>): Promise<void> {
  const next = inside.handle<number>(unwrap(await inside.recv()).value);
  const { value } = unwrap(await inside.recv());
  unwrap(await next.send(value + 1));
}

if (import.meta.main) {
  try {
    const size = Number(Deno.args[0] ?? 1000);
    const url = new URL(import.meta.url);
    const ring: Context<number>[] = [];
    for (let n = 0; n < size; n++) ring.push(unwrap(await create<number>(url)));
    // The last one's next is the main thread, whose id is 0.
    for (const [n, ctx] of ring.entries()) unwrap(await ctx.send(ring[n + 1]?.id ?? 0));
    const start = performance.now();
    unwrap(await ring[0]!.send(0));
    const { value } = unwrap(await inside<number>().recv());
    console.log(`${value} hops in ${(performance.now() - start).toFixed(1)} ms`);
    await Promise.all(ring.map((ctx) => ctx.wait()));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}
