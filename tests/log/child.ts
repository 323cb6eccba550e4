/** The programs that the tests of `log` run as processes of their own, chosen by the first argument. */
import process from "node:process";
import { setImmediate } from "node:timers";
import {
  close_log,
  ERR,
  INFO,
  LOG,
  log_stats,
  NOTICE,
  open_log,
  open_logger,
} from "../../log/mod.ts";

const [mode = "", spec = "", ...rest] = Deno.args;

/** The end of the event loop's turn, after that of a log that has lines by now. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Opens the log; prints why it cannot. */
function open(): boolean {
  const [, err] = open_log(spec);
  if (err) console.log(`${err.code}: ${err.message}`);
  return err === null;
}

/** Ends the program in the way that is named, with a line on its way. */
function end(way: string): void {
  LOG("the last line");
  if (way === "Deno.exit") Deno.exit(7);
  if (way === "process.exit") process.exit(7);
  if (way === "throw") throw new Error("on purpose");
  if (way === "reject") Promise.reject(new Error("on purpose"));
  if (way === "throw in a timer") {
    setTimeout(() => {
      LOG("in the timer");
      throw new Error("on purpose");
    }, 0);
  }
  if (way === "kill -9") Deno.kill(Deno.pid, "SIGKILL");
  if (way === "handler") {
    addEventListener("unload", () => LOG("in a handler of unload"));
    process.on("exit", () => LOG("in a handler of exit"));
  }
}

const MODES: Record<string, () => unknown> = {
  "end": () => open() && end(rest[0]!),

  // An uncaught error that the program survives.
  "survive": async () => {
    if (!open()) return;
    LOG("before");
    await turn();
    const { promise, resolve } = Promise.withResolvers<void>();
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      resolve();
    });
    // The runtime does not look for rejections where nothing else keeps it going.
    const alive = setTimeout(() => {}, 60_000);
    Promise.reject(new Error("on purpose"));
    await promise;
    clearTimeout(alive);
    await turn();
    const { written } = log_stats();
    LOG("after");
    console.log(written, log_stats().queued);
  },

  // Lines of one turn, then a turn of the event loop, again and again.
  "many": async () => {
    if (!open()) return;
    const [name = "", count = ""] = rest;
    const filler = "x".repeat(100);
    for (let i = 0; i < Number(count); i++) {
      LOG(NOTICE, name, i, filler);
      if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  },

  // The same from workers, each with a log of its own to the same file.
  "workers": async () => {
    const [workers = "", count = ""] = rest;
    await Promise.all(Array.from({ length: Number(workers) }, (_, i) => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = () => resolve(worker.terminate());
      worker.postMessage({ path: spec, name: `w${i}`, count: Number(count) });
      return promise;
    }));
  },

  "full": () => {
    if (!open()) return;
    for (let i = 0; i < 5; i++) LOG(ERR, "no room for this");
    console.log(JSON.stringify(log_stats()));
  },

  // The largest file is limited from outside; see the test.
  "torn": () => {
    if (!open()) return;
    for (let i = 0; i < 20; i++) LOG(NOTICE, "line", i, "x".repeat(100));
    LOG(ERR, "and one more");
    Deno.truncateSync(spec, 150);
    LOG(ERR, "there is room again");
    console.log(JSON.stringify(log_stats()));
  },

  "frozen": () => {
    if (rest[0] === "before") Object.freeze(Error);
    LOG("text");
    if (rest[0] === "after") Object.freeze(Error);
    close_log();
  },

  "exhausted": () => {
    if (!open()) return;
    LOG(ERR, "first");
    const held: Deno.FsFile[] = [];
    try {
      for (;;) held.push(Deno.openSync("/dev/null", { write: true }));
    } catch {
      console.log("exhausted");
    }
    LOG(ERR, "without any left");
    for (const file of held) file.close();
  },

  "moved": () => {
    if (!open()) return;
    LOG(ERR, "before");
    console.log("written");
    Deno.stdin.readSync(new Uint8Array(1));
    LOG(ERR, "after");
  },

  "default": () => {
    LOG(INFO, "below what is let through");
    LOG("a warning");
  },

  "logger": () => {
    const [log, err] = open_logger(spec);
    if (err) return console.log(`${err.code}: ${err.message}`);
    log.err("written");
    console.log("done");
  },
};

await MODES[mode]!();
