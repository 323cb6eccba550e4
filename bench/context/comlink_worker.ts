/** What comlink calls: the same as a query, and as a send. */
import { expose } from "comlink";

let count = 0;

/** Its calls. */
const api = {
  echo: (value: number): number => value,
  add: (_value: unknown): void => void count++,
  count(): number {
    const counted = count;
    count = 0;
    return counted;
  },
};

/** Its type, for the other side. */
export type Api = typeof api;

expose(api);
