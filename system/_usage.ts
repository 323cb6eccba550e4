import type { CpuInfo, CpuShare, CpuTimes, CpuUsage } from "./cpu.ts";

/** What the processors did between two looks at them. One that came or went is left out. */
export function usageBetween(before: CpuInfo[], after: CpuInfo[]): CpuUsage {
  const cores = after.slice(0, before.length).map((one, i) => shareOf(before[i]!.times, one.times));
  const mean = (part: keyof CpuShare) =>
    cores.reduce((sum, core) => sum + core[part], 0) / Math.max(cores.length, 1);
  return {
    busy: mean("busy"),
    user: mean("user"),
    nice: mean("nice"),
    sys: mean("sys"),
    idle: mean("idle"),
    irq: mean("irq"),
    cores,
  };
}

function shareOf(before: CpuTimes, after: CpuTimes): CpuShare {
  // A machine that slept or moved may count back by a step.
  const spent = (part: keyof CpuTimes) => Math.max(after[part] - before[part], 0);
  const all = spent("user") + spent("nice") + spent("sys") + spent("idle") + spent("irq");
  if (all === 0) return { busy: 0, user: 0, nice: 0, sys: 0, idle: 1, irq: 0 };
  const share = (part: keyof CpuTimes) => spent(part) / all;
  return {
    busy: (all - spent("idle")) / all,
    user: share("user"),
    nice: share("nice"),
    sys: share("sys"),
    idle: share("idle"),
    irq: share("irq"),
  };
}
