/**
 * `deno task bench`: runs every program of bench/ whose name ends in `_bench.ts`, one
 * after the other, or those that are named: `deno task bench echo`. Arguments after `--`
 * go to each of them. Their figures are in `bench/results.json` then, and those that the
 * README shows in `bench/chart.svg`.
 */
import { configArgs } from "../tools/config.ts";
import { filesBelow } from "../tools/project.ts";
import { chart, type Group } from "./chart.ts";
import { RESULTS } from "./compare.ts";

/** What the README shows. */
const GROUPS: Group[] = [
  {
    title: "Echo, 1 connection",
    comparison: "echo, 1 connection",
    ours: ["receive(64)", 'receive("*l")'],
    without: ["Deno.Conn, new memory each"],
  },
  {
    title: "Echo, 100 connections",
    comparison: "echo, 100 connections",
    ours: ["receive(64)", 'receive("*l")'],
    without: ["Deno.Conn, new memory each"],
  },
  {
    title: "Echo server, 100 clients",
    comparison: "server echo, 100 clients",
    ours: ["autospawn, lines", "for await, bytes"],
  },
  {
    title: "Lines",
    comparison: "lines",
    ours: ['await receive("*l")', "for await of lines()", "lines({ batch: true })"],
  },
  {
    title: "Bulk receive",
    comparison: "bulk receive",
    ours: ["receiveany(65536)", "receive(65536)"],
  },
];

/** Which of all benches are meant by these names; `null` with what is wrong. */
export function chosen(names: string[], all: string[]): [string[], null] | [null, string[]] {
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length === 0 && all.length > 0) return [names.length > 0 ? names : all, null];
  const none = "none, bench/ holds no file that ends in _bench.ts";
  return [null, [
    ...unknown.map((name) => `There is no bench '${name}'`),
    `Benches: ${all.join(", ") || none}`,
  ]];
}

async function main(): Promise<number> {
  const dashes = Deno.args.indexOf("--");
  const given = dashes < 0 ? Deno.args : Deno.args.slice(0, dashes);
  const rest = dashes < 0 ? [] : Deno.args.slice(dashes + 1);
  const all = (await filesBelow("bench", "_bench.ts"))
    .map((file) => file.slice("bench/".length, -"_bench.ts".length));
  const [names, faults] = chosen(given, all);
  if (faults !== null) {
    for (const fault of faults) console.error(fault);
    return 1;
  }
  const failed: string[] = [];
  for (const [at, name] of names.entries()) {
    console.log(`\n--- ${name}`);
    const args = ["run", ...await configArgs(), "-A", `bench/${name}_bench.ts`, ...rest];
    const env = { BENCH_STEP: `${at + 1}/${names.length}` };
    const child = new Deno.Command(Deno.execPath(), { args, env, stdin: "null" }).spawn();
    if (!(await child.status).success) failed.push(name);
  }
  const results = JSON.parse(await Deno.readTextFile(RESULTS));
  await Deno.writeTextFile("bench/chart.svg", chart(GROUPS, results));
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
