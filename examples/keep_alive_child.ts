/**
 * Keeps another Deno program alive: starts it anew whenever it ends, so many times or until Ctrl-C.
 *
 *     deno run --allow-run=deno examples/keep_alive_child.ts worker.ts 3
 *     npx -y deno@2.9.6 task example keep_alive_child worker.ts 3
 */
import { fork, signal } from "@alilua/coevent/process";

const [file = "data:text/typescript,console.log('working')", times = "3"] = Deno.args;
let ends = 0;

const [child, err] = fork({
  file,
  // The worker itself gets what stands here, and nothing of ours.
  flags: [],
  // 50 ms before the first new start, then more and more, up to 5 s.
  forever: { delay: 50, max_delay: 5_000 },
  onexit(pid, _file, status, signal): void {
    ends += 1;
    console.log(`worker ${pid} ended ${signal === null ? `with ${status}` : `by ${signal}`}`);
    if (ends === Number(times)) child?.stop();
  },
});
if (err) {
  console.error(err.message);
  Deno.exit(1);
}

// The worker has 2 s to heed SIGTERM; what it has started ends with it.
for (const name of ["SIGINT", "SIGTERM"]) signal.register(name, () => child.stop({ grace: 2_000 }));

await child.wait();
console.log(`stopped after ${ends} ends and ${child.restarts} new starts`);
