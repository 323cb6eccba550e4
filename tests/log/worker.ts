/** A worker that appends to the same log as others; see `many_test.ts`. */
import { setImmediate } from "node:timers";
import { LOG, NOTICE, open_log } from "../../log/mod.ts";

/** What this file uses of a worker's global scope. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ path: string; name: string; count: number }>) => void;
  postMessage(message: string): void;
};

scope.onmessage = ({ data: { path, name, count } }) => {
  const [, err] = open_log(path);
  if (err) throw err;
  for (let i = 0; i < count; i++) LOG(NOTICE, name, i, "x".repeat(100));
  // Asked for after the log's own turn, so it comes after the lines are out.
  setImmediate(() => scope.postMessage("done"));
};
