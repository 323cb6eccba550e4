/**
 * So many contexts alive at once, in a program of their own: prints the milliseconds to
 * create them, to ask all of them, and to end all, and the bytes that each takes.
 */
import { create, unwrap } from "../../context/mod.ts";

const count = Number(Deno.args[0]);
const url = new URL("./worker.ts", import.meta.url);
const first = await unwrap(create(url));
const before = Deno.memoryUsage().rss;
let begun = performance.now();
const lap = () => {
  const since = begun;
  begun = performance.now();
  return begun - since;
};
const all = await Promise.all(Array.from({ length: count }, () => unwrap(create(url))));
const created = lap();
const answers = await Promise.all(all.map((ctx, n) => unwrap(ctx.query(n))));
if (answers.some((answer, n) => answer !== n)) throw new Error("an answer is wrong");
const asked = lap();
const memory = (Deno.memoryUsage().rss - before) / count;
lap();
for (const ctx of all) ctx.destroy();
await Promise.all(all.map((ctx) => ctx.wait()));
const ended = lap();
first.destroy();
console.log(JSON.stringify({ created, asked, ended, memory }));
