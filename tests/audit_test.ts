/** `deno task audit`, seen to ask for every package and to fail where one has a known fault. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { audit, missingFrom, packagesUsed, writeLock } from "../tools/audit.ts";

const FAULT = {
  id: 1,
  url: "https://example.com/advisory",
  title: "a fault that is made up",
  severity: "high",
  vulnerable_versions: "<999",
  cwe: [],
  cvss: { score: 7, vectorString: null },
};

/** The registry as far as an audit asks for it; `faulty` has a known fault. */
function registry(faulty: string | null) {
  const asked: string[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, async (request) => {
    const packages = Object.keys(await request.json());
    asked.push(...packages);
    return Response.json(faulty !== null && packages.includes(faulty) ? { [faulty]: [FAULT] } : {});
  });
  return {
    asked,
    env: { NPM_CONFIG_REGISTRY: `http://127.0.0.1:${server.addr.port}`, NO_COLOR: "1" },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("deno task audit asks for every package, and fails where one has a known fault", async () => {
  const used = await packagesUsed();
  // By the import map, by a source alone, and by both.
  for (const name of ["ws", "tough-cookie", "fast-check"]) assert(used.includes(name), name);
  const folder = await Deno.makeTempDir();
  try {
    const lock = `${folder}/deno.lock`;
    await writeLock(lock);
    for (const faulty of [null, "ws", "tough-cookie"]) {
      await using server = registry(faulty);
      const { good, output } = await audit(lock, server.env);
      assertEquals(used.filter((name) => !server.asked.includes(name)), [], output);
      assertEquals(good, faulty === null, output);
      if (faulty !== null) assertStringIncludes(output, FAULT.title);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("missingFrom() names what a lock file does not hold", () => {
  const lock = JSON.stringify({ npm: { "ws@8.1.0": {}, "@a/b@1.0.0_c@2.0.0": {} } });
  assertEquals(missingFrom(lock, ["ws", "@a/b"]), []);
  assertEquals(missingFrom(lock, ["ws", "@a/c", "w"]), ["@a/c", "w"]);
  assertEquals(missingFrom('{"version":"5"}', ["ws"]), ["ws"]);
});
