import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { limitsFrom } from "../../system/_cgroup.ts";
import { limits } from "../../system/mod.ts";

/** Reads from a table of files instead of the disk. */
function files(table: Record<string, string>): (path: string) => string {
  return (path) => {
    const text = table[path];
    if (text === undefined) throw new Deno.errors.NotFound(path);
    return text;
  };
}

const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const V1 = [
  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
  "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct",
  "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
].join("\n");
const NONE = { version: null, cpus: null, memory: null, memory_used: null, swap: null };

Deno.test("limits() knows no limit where there are no control groups", () => {
  assertEquals(limitsFrom(files({})), NONE);
  assertEquals(limitsFrom(files({ "/proc/self/cgroup": "", "/proc/self/mountinfo": "" })), NONE);
});

Deno.test("limits() reads v2 in a container that sees its own group as the root", () => {
  const read = files({
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": V2,
    "/sys/fs/cgroup/cpu.max": "150000 100000\n",
    "/sys/fs/cgroup/memory.max": "536870912\n",
    "/sys/fs/cgroup/memory.current": "1048576\n",
    "/sys/fs/cgroup/memory.swap.max": "0\n",
  });
  const wanted = { version: 2, cpus: 1.5, memory: 536870912, memory_used: 1048576, swap: 0 };
  assertEquals(limitsFrom(read), wanted as ReturnType<typeof limitsFrom>);
});

Deno.test("limits() takes 'max' and a missing file for no limit", () => {
  const read = files({
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": V2,
    "/sys/fs/cgroup/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/memory.max": "max\n",
  });
  assertEquals(limitsFrom(read), { ...NONE, version: 2 });
});

Deno.test("limits() takes the narrowest limit of the group and those around it", () => {
  const read = files({
    "/proc/self/cgroup": "0::/system.slice/app.service\n",
    "/proc/self/mountinfo": V2,
    "/sys/fs/cgroup/system.slice/cpu.max": "200000 100000\n",
    "/sys/fs/cgroup/system.slice/memory.max": "1000000\n",
    "/sys/fs/cgroup/system.slice/memory.current": "999\n",
    "/sys/fs/cgroup/system.slice/app.service/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/system.slice/app.service/memory.max": "3000000\n",
    "/sys/fs/cgroup/system.slice/app.service/memory.current": "7\n",
  });
  const { cpus, memory, memory_used } = limitsFrom(read);
  assertEquals([cpus, memory, memory_used], [2, 1000000, 7]);
});

Deno.test("limits() reads v1, where a huge number is no limit", () => {
  const read = files({
    "/proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n",
    "/proc/self/mountinfo": V1,
    "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "50000\n",
    "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "268435456\n",
    "/sys/fs/cgroup/memory/docker/abc/memory.memsw.limit_in_bytes": "536870912\n",
    "/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "4096\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
  });
  const wanted = { version: 1, cpus: 0.5, memory: 268435456, memory_used: 4096, swap: 268435456 };
  assertEquals(limitsFrom(read), wanted as ReturnType<typeof limitsFrom>);
});

Deno.test("limits() takes the huge number of v1, and a quota of -1, for no limit", () => {
  const read = files({
    "/proc/self/cgroup": "4:memory:/\n2:cpu,cpuacct:/\n",
    "/proc/self/mountinfo": V1,
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
  });
  assertEquals(limitsFrom(read), { ...NONE, version: 1 });
});

Deno.test("limits() follows a v1 mount that shows the container's group as its root", () => {
  const read = files({
    "/proc/self/cgroup": "4:memory:/docker/abc/inner\n2:cpu:/docker/abc\n",
    "/proc/self/mountinfo": [
      "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
      "36 31 0:33 /docker/abc /cpu\\040here ro - cgroup cgroup rw,cpu",
    ].join("\n"),
    "/sys/fs/cgroup/memory/inner/memory.limit_in_bytes": "100\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "50\n",
    "/cpu here/cpu.cfs_quota_us": "300000\n",
    "/cpu here/cpu.cfs_period_us": "100000\n",
  });
  const { cpus, memory } = limitsFrom(read);
  assertEquals([cpus, memory], [3, 50]);
});

Deno.test("limits() reads each controller where it is, when both generations are mounted", () => {
  const read = files({
    "/proc/self/cgroup": "4:memory:/a\n0::/b\n",
    "/proc/self/mountinfo": `${V1}\n${V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")}`,
    "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "77\n",
    "/sys/fs/cgroup/unified/b/cpu.max": "400000 100000\n",
    "/sys/fs/cgroup/unified/b/memory.max": "5\n",
  });
  const { cpus, memory } = limitsFrom(read);
  assertEquals([cpus, memory], [4, 77]);
  const table = {
    "/proc/self/cgroup": "4:cpu,cpuacct:/a\n0::/b\n",
    "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "50000\n",
    "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/unified/b/memory.max": "5\n",
    "/sys/fs/cgroup/unified/b/memory.current": "3\n",
    "/sys/fs/cgroup/unified/b/memory.swap.max": "2\n",
  };
  const unified = V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified");
  const both = limitsFrom(files({ ...table, "/proc/self/mountinfo": `${V1}\n${unified}` }));
  assertEquals(both, { version: 1, cpus: 0.5, memory: 5, memory_used: 3, swap: 2 });
  // Without the newer one, nobody limits memory.
  const alone = limitsFrom(files({ ...table, "/proc/self/mountinfo": V1 }));
  assertEquals(alone, { ...NONE, version: 1, cpus: 0.5 });
});

Deno.test("limits() does not climb out of the mount for a group outside of it", () => {
  const read = files({
    "/proc/self/cgroup": "0::/../other\n",
    "/proc/self/mountinfo": V2,
    "/sys/fs/cgroup/memory.max": "123\n",
    "/sys/fs/cgroup/../other/memory.max": "5\n",
  });
  assertEquals(limitsFrom(read).memory, 123);
});

Deno.test({
  name: "limits() says what it was that the system did not let it read",
  ignore: Deno.build.os !== "linux",
  fn() {
    const original = Deno.readTextFileSync;
    Deno.readTextFileSync = () => {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
    };
    try {
      const [, err] = limits();
      assertEquals(err?.code, "denied");
      assertStringIncludes(err!.message, "Cannot read the control group's limits: ");
    } finally {
      Deno.readTextFileSync = original;
    }
  },
});

Deno.test("limits() takes no refusal for a missing file", () => {
  const read = () => {
    throw new Deno.errors.NotCapable("Requires all access");
  };
  assertThrows(() => limitsFrom(read), Deno.errors.NotCapable);
});
