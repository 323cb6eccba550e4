/**
 * Runs timers, jobs for two workers and a lookup that is tried again, which all end together.
 *
 *     deno run examples/timers.ts 5
 *     npx -y deno@2.9.6 task example timers 5
 */
import {
  channel,
  newthread,
  parallel,
  retry,
  sleep,
  startloop,
  timer,
  top,
  unwrap,
  watch,
} from "@alilua/coevent/thread";

const count = Number(Deno.args[0] ?? 5);
const off = watch();

await startloop(async () => {
  // Nothing waits for it: it ends when all others have.
  timer.every(20, () => console.log("tick")).unref();
  timer.timeout(5, "a reminder", (words: string) => console.log(words));

  const jobs = channel<number>(2);
  newthread(async function producer() {
    using sender = jobs;
    for (let job = 1; job <= count; job++) await sender.send(job);
  });
  const done: number[] = [];
  const workers = [1, 2].map((id) => async () => {
    for await (const job of jobs) {
      await sleep(15);
      console.log(`worker ${id} has done job ${job}`);
      done.push(job);
    }
  });
  const working = newthread(() => parallel.all(workers));

  const answer = await unwrap(retry((attempt) => {
    if (attempt < 3) throw new Error("nobody is there");
    return `an answer at attempt ${attempt}`;
  }, { delay: 10 }));
  console.log(answer);

  unwrap(await working.done);
  console.log(`${done.length} jobs are done; of the threads, ${top().length} are left:`);
  for (const { name, waits, state } of top()) console.log(`  ${name}: ${waits} waits, ${state}`);
});
off();
