/**
 * The head of an example, a comment in its first lines: one sentence, then its two
 * commands.
 *
 *     deno run --allow-net examples/echo.ts 8080
 *     npx -y deno@2.9.6 task example echo 8080
 */

/** The permission flags in the `deno run` command of a head. */
export function flagsOf(source: string, name: string): string[] {
  const command = new RegExp(`deno run ((?:--\\S+ )*)examples/${name}\\.ts`).exec(headOf(source));
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
  const head = headOf(source);
  if (!/^ \* [A-Z].*[.:]/m.test(head)) faults.push("no sentence");
  if (!new RegExp(`deno run .*examples/${name}\\.ts`).test(head)) {
    faults.push("no deno run command");
  }
  if (!head.includes(`npx -y deno@2.9.6 task example ${name}`)) faults.push("no npx command");
  if (/ (-A|--allow-all)\b/.test(head)) faults.push("asks for every permission");
  return faults;
}

function headOf(source: string): string {
  return /^\/\*\*\n([\s\S]*?)\*\//.exec(source)?.[1] ?? "";
}
