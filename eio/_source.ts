import type { Source } from "../stream/mod.ts";
import type { Descriptor } from "./_descriptor.ts";
import type { Caller } from "./_question.ts";

/** A file as the source of a stream, from its beginning, or appended to. */
export function fileSource(descriptor: Descriptor): Source {
  const caller: Caller = { gone: false, onGone: null };
  let at = 0;
  return {
    async read(into) {
      const count = await descriptor.read(at, into, caller);
      at += count ?? 0;
      return count;
    },
    async write(bytes) {
      const count = await descriptor.write(at, bytes, caller);
      at += count;
      return count;
    },
    end: () => descriptor.sync(caller),
    close() {
      caller.gone = true;
      return descriptor.close();
    },
    keeps_alive: true,
  };
}
