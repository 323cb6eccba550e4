import { fail, IoError, type Result } from "../core/mod.ts";
import type { Home } from "./_home.ts";
import { copy } from "./_copy.ts";
import type { Context, CreateOptions } from "./types.ts";

/** `create`, for the context whose id is `parent`. */
export function createFor<In, Out>(
  home: Home,
  parent: number,
  url: URL | string,
  options: CreateOptions,
): Promise<Result<Context<In, Out>>> {
  const href = absolute(url);
  const { name, args = [], isolated = false, permissions } = options;
  if (!Array.isArray(args)) throw new TypeError(`args must be an array: got ${typeof args}`);
  if (permissions !== undefined && !isolated) {
    throw new TypeError("permissions need isolated: true, a thread shares the program's");
  }
  for (const flag of permissions ?? []) {
    if (!/^(--(allow|deny)-|-A$)/.test(flag)) {
      throw new TypeError(`permissions must be flags such as "--allow-net": got ${flag}`);
    }
  }
  const [copied] = copy(args);
  const asked = { name, args: copied as unknown[], isolated, permissions };
  return new Promise((resolve) => {
    home.create(href, asked, parent, (id, fault) => {
      if (fault === null) resolve([home.office.handle(id, parent) as Context<In, Out>, null]);
      else resolve(fail(refusal(href, fault)));
    });
  });
}

/** Deno says in words alone what a worker or a child may not. */
function refusal(href: string, fault: string): IoError {
  const needed = /Requires (\w+) access/.exec(fault)?.[1];
  const words = `Cannot create context ${href}: `;
  if (needed === undefined) return new IoError("failed", words + fault);
  return new IoError("no_permission", `${words}it needs --allow-${needed} (${fault})`);
}

function absolute(url: URL | string): string {
  if (url instanceof URL) return url.href;
  if (typeof url === "string" && URL.canParse(url)) return url;
  throw new TypeError(
    `url must be absolute, as new URL("./w.ts", import.meta.url): got ${JSON.stringify(url)}`,
  );
}
