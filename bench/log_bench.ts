/**
 * Log lines a second, beside plain Deno writing the same line to the same kind of file.
 *
 *     deno task bench log
 */
import { setImmediate } from "node:timers";
import { compare } from "./compare.ts";
import { close_log, DEBUG, ERR, flush_log, INFO, LOG, NOTICE, open_log } from "../log/mod.ts";

const LINES = 10_000;

const folder = await Deno.makeTempDir();
const path = `${folder}/bench.log`;
const TEXT = "GET /index.html 200 1.25 ms";
const line = new TextEncoder().encode(
  `Sat, 21 Nov 2026 00:23:52 [12345-log_bench.ts:42] INFO ${TEXT}\n`,
);

/** Runs `body` on a file of its own; gives lines a second. */
async function timed(body: () => unknown): Promise<number> {
  const begun = performance.now();
  await body();
  const seconds = (performance.now() - begun) / 1000;
  await Deno.remove(path).catch(() => {});
  return LINES / seconds;
}

function open(spec: string): void {
  const [, err] = open_log(path + spec);
  if (err) throw err;
}

/** One turn of the event loop, as a server has between two requests. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const WAYS: Record<string, () => unknown> = {
  "deno: open once, await write": async () => {
    using file = await Deno.open(path, { append: true, create: true });
    for (let i = 0; i < LINES; i++) await file.write(line);
  },
  "deno: open once, writeSync": () => {
    using file = Deno.openSync(path, { append: true, create: true });
    for (let i = 0; i < LINES; i++) file.writeSync(line);
  },
  "LOG, in one turn": () => {
    open(",INFO");
    for (let i = 0; i < LINES; i++) LOG(INFO, TEXT);
    flush_log();
    close_log();
  },
  "LOG, ten lines a turn": async () => {
    open(",INFO");
    for (let i = 0; i < LINES; i++) {
      LOG(INFO, TEXT);
      if (i % 10 === 9) await turn();
    }
    close_log();
  },
  "LOG, a line a turn": async () => {
    open(",INFO");
    for (let i = 0; i < LINES; i++) {
      LOG(INFO, TEXT);
      await turn();
    }
    close_log();
  },
  "LOG(ERR), in the call": () => {
    open(",INFO");
    for (let i = 0; i < LINES; i++) LOG(ERR, TEXT);
    close_log();
  },
  "LOG, rotated at 100K": () => {
    open(",INFO,100Kx3");
    for (let i = 0; i < LINES; i++) LOG(INFO, TEXT);
    flush_log();
    close_log();
  },
  "LOG, not let through": () => {
    open(",NOTICE");
    for (let i = 0; i < LINES; i++) LOG(DEBUG, TEXT);
    close_log();
  },
};

/** What the caller waits for, without the writing. */
async function callOnly(): Promise<number> {
  open(",NOTICE");
  const begun = performance.now();
  for (let i = 0; i < LINES; i++) LOG(NOTICE, TEXT);
  const rate = LINES * 1_000 / (performance.now() - begun);
  flush_log();
  close_log();
  await Deno.remove(path);
  return rate;
}

await compare({
  name: "log",
  unit: `lines of ${line.length} B/s`,
  contenders: {
    ...Object.fromEntries(
      Object.entries(WAYS).map(([name, body]) => [name, () => timed(body)]),
    ),
    "LOG, the call alone": callOnly,
  },
});
await Deno.remove(folder, { recursive: true });
