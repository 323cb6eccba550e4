/** What piscina runs: the same as a query. */
import { busy } from "./worker.ts";

export default (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("busy" in value)) return value;
  busy(value.busy as number);
  return true;
};
