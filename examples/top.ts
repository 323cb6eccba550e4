/**
 * Shows processors, memory and load as a live table, like `top`; `--once` shows it once.
 *
 *     deno run --allow-sys=cpus,systemMemoryInfo,loadavg,osUptime,hostname examples/top.ts
 *     npx -y deno@2.9.6 task example top --once
 */
import {
  type CpuUsage,
  cpuusage,
  hostname,
  loadavg,
  meminfo,
  unwrap,
  uptime,
} from "@alilua/coevent/system";

const once = Deno.args.includes("--once");

/** A share from 0 to 1 as a bar and per cent. */
function bar(share: number): string {
  const full = Math.round(share * 40);
  return `[${"|".repeat(full)}${" ".repeat(40 - full)}] ${(share * 100).toFixed(1).padStart(5)} %`;
}

function table(usage: CpuUsage): string {
  const memory = unwrap(meminfo());
  const [one, five, fifteen] = unwrap(loadavg()).map((load) => load.toFixed(2));
  const seconds = unwrap(uptime());
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);
  const used = memory.total - memory.available;
  const swapped = memory.swap_total - memory.swap_free;
  return [
    `${unwrap(hostname())}, up ${days} d ${hours} h, load ${one} ${five} ${fifteen}`,
    ...usage.cores.map((core, i) => `cpu ${String(i).padStart(3)} ${bar(core.busy)}`),
    `memory  ${bar(used / memory.total)} of ${gib(memory.total)} GiB`,
    `swap    ${bar(swapped / (memory.swap_total || 1))} of ${gib(memory.swap_total)} GiB`,
  ].join("\n");
}

try {
  do {
    const lines = table(await unwrap(cpuusage(once ? 200 : 1000)));
    // Home, then clear to the end: a table that is redrawn in place does not flicker.
    console.log(once ? lines : `\x1b[H\x1b[J${lines}`);
  } while (!once);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exitCode = 1;
}
