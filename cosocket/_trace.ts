import type { Channel } from "../stream/mod.ts";

let wanted: boolean | null = null;

/**
 * Turns the wire log of a channel on where the environment asks for it
 * (`COEVENT_TRACE=1`) and may be asked: without the permission nothing is tried.
 */
export function traceFromEnv(channel: Channel): void {
  wanted ??= asked();
  if (wanted && channel.trace === null) channel.trace_to((line) => console.error(line));
}

function asked(): boolean {
  const variable = "COEVENT_TRACE";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" && Deno.env.get(variable) === "1";
}
