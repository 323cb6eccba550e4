/**
 * `deno task permissions`: finds out which permissions each exported function needs, by
 * giving it one after the other until it asks for none, and writes the table of
 * docs/security.md.
 */
import { configArgs } from "./config.ts";
import { deno } from "./spawn.ts";

/** Where the table stands in docs/security.md. */
export const MARKS = ["<!-- permissions -->", "<!-- end of permissions -->"] as const;

const PROGRAM = "tests/permission_calls.ts";

/** Runs the program, and gives what it says of each call. */
async function ask(flags: string[], args: string[]): Promise<[name: string, said: string][]> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...await configArgs(), "--no-check", "--no-prompt", ...flags, PROGRAM, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).trim().split("\n");
  if (lines[0] === "") throw new Error(`${PROGRAM} failed: ${decoder.decode(stderr)}`);
  return lines.map((line) => {
    const at = line.lastIndexOf(": ");
    return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 2)];
  });
}

/** The flags that each call needs, in the order in which it asks for them. */
export async function permissionSets(): Promise<Map<string, string[]>> {
  const folder = await Deno.makeTempDir();
  const sets = new Map<string, string[]>();
  try {
    await Deno.writeTextFile(`${folder}/file`, "x");
    await Deno.writeTextFile(`${folder}/empty.ts`, "");
    const names = (await ask([], [folder])).map(([name]) => name);
    let open = new Map<string, string[]>([["", names]]);
    while (open.size > 0) {
      const next = new Map<string, string[]>();
      await Promise.all([...open].map(async ([given, calls]) => {
        const flags = given === "" ? [] : given.split(" ");
        for (const [name, said] of await ask(flags, [folder, ...calls])) {
          if (said === "done") sets.set(name, flags);
          else {
            const more = said.split(" ").filter((flag) => !flags.includes(flag));
            if (more.length === 0) throw new Error(`${name} has ${given}, and asks for ${said}`);
            const key = [...flags, ...more].toSorted().join(" ");
            next.set(key, [...next.get(key) ?? [], name]);
          }
        }
      }));
      open = next;
    }
    return new Map(names.map((name) => [name, sets.get(name)!]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The table, as lines of Markdown before they are formatted. */
export function tableOf(sets: Map<string, string[]>): string {
  const rows = [...sets].map(([name, flags]) => {
    const [call, ...how] = name.split(", ");
    const shown = flags.map((flag) => `\`${flag}\``).join(" ") || "none";
    return `| \`${call}\`${how.map((word) => `, ${word}`).join("")} | ${shown} |`;
  });
  return ["| Call | Needs |", "| --- | --- |", ...rows].join("\n");
}

/** A page with this table in place of its own. */
export function withTable(page: string, table: string): string {
  const [begin, end] = MARKS.map((mark) => page.indexOf(mark));
  if (begin! < 0 || end! < begin!) throw new Error(`the page has no ${MARKS.join(" ... ")}`);
  return `${page.slice(0, begin! + MARKS[0].length)}\n\n${table}\n\n${page.slice(end)}`;
}

if (import.meta.main) {
  const file = "docs/security.md";
  const page = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, withTable(page, tableOf(await permissionSets())));
  await deno(["fmt", "--quiet", file]);
  console.log(`${file} is written`);
}
