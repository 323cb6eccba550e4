/** The head of an example: one sentence, then its two commands. */

/** The permission flags in the command of an example's head. */
export function flagsOf(source: string, name: string): string[] {
  const command = new RegExp(`deno run ((?:--\\S+ )*)examples/${name}\\.ts`).exec(source);
  if (command === null) {
    throw new Error(
      `examples/${name}.ts: its head has no line 'deno run FLAGS examples/${name}.ts'`,
    );
  }
  return command[1]!.split(" ").filter((flag) => flag !== "");
}

/** What is wrong with the head of an example; empty if nothing. */
export function faultsOf(source: string, name: string): string[] {
  const faults: string[] = [];
  const head = /^\/\*\*\n([\s\S]*?)\*\//.exec(source)?.[1] ?? "";
  if (!/^ \* [A-Z].*[.:]/m.test(head)) faults.push("no sentence");
  if (!head.includes(`deno run `)) faults.push("no deno run command");
  if (!head.includes(`npx -y deno@2.9.6 task example ${name}`)) faults.push("no npx command");
  return faults;
}
