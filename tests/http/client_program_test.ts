/** Programs of their own: what a client needs of permissions, and what it leaves behind. */
import { assertEquals } from "@std/assert";
import { configArgs } from "../../tools/config.ts";
import { raw, serve, whole } from "./client_servers.ts";

const config = await configArgs();

/** Runs a program with these flags and gives its lines. */
async function run(flags: string[], code: string, env: Record<string, string> = {}) {
  const module = new URL("../../http/mod.ts", import.meta.url).href;
  const thread = new URL("../../thread/mod.ts", import.meta.url).href;
  const head = `import { client, httprequest } from ${JSON.stringify(module)};
    import { on_error } from ${JSON.stringify(thread)};\n`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...config, ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(head + code));
  await writer.close();
  const { stdout, stderr, code: status } = await child.output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  return { lines: decoder.decode(stdout).trim().split("\n"), status };
}

Deno.test("a client needs the permission for its host and port, and no other", async () => {
  await using other = serve(() => new Response("other"));
  await using server = serve((request) =>
    request.url.endsWith("/away")
      ? new Response(null, { status: 302, headers: { location: other.url } })
      : new Response("hello", { headers: { "set-cookie": "n=v" } })
  );
  const { lines, status } = await run(
    [`--allow-net=127.0.0.1:${server.port}`],
    `
    const { url, other } = ${JSON.stringify({ url: server.url, other: other.url })};
    await using http = client({ cookies: true, retries: 3, per_host: 2 });
    const [res] = await http.get(url);
    console.log(await res.text(), (await http.cookies.list()).length);
    console.log((await httprequest(url, { data: { a: "b" }, pool_size: 1 }))[0].body);
    for (const to of [other, url + "/away"]) {
      const [, err] = await http.get(to);
      console.log(err.code, err.message);
    }
    console.log((await httprequest(other))[1].code);
  `,
  );
  const needs = `it needs --allow-net=127.0.0.1:${other.port}`;
  assertEquals(lines, [
    '[ "hello", null ] 1',
    "hello",
    `no_permission Cannot GET ${other.url}/: ${needs}`,
    `no_permission Cannot GET ${server.url}/away: ${needs}`,
    "no_permission",
  ]);
  assertEquals(status, 0);
});

Deno.test("a download needs its folder beside the host, and says so", async () => {
  await using server = serve(() => new Response("hello"));
  const folder = await Deno.makeTempDir();
  const net = `--allow-net=127.0.0.1:${server.port}`;
  const code = `
    await using http = client();
    const [count, err] = await http.download("${server.url}", "${folder}/a");
    console.log(count, err?.code, err?.message.replace(/.*it needs /, ""));
  `;
  const refused = await run([net], code);
  assertEquals(refused.lines, [`null no_permission --allow-write=${folder}`]);
  const flags = [net, `--allow-write=${folder}`, `--allow-read=${folder}`];
  assertEquals((await run(flags, code)).lines, ["5 undefined undefined"]);
  assertEquals(await Deno.readTextFile(`${folder}/a`), "hello");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("HTTP_PROXY and NO_PROXY are heeded, without a permission for the environment", async () => {
  await using proxy = await raw((sock) => sock.send(whole("by proxy")));
  await using server = serve(() => new Response("directly"));
  const env = { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.1" };
  const { lines } = await run(
    ["--allow-net"],
    `
    await using http = client();
    for (const url of ["http://elsewhere.invalid/", "${server.url}"]) {
      const [res] = await http.get(url);
      console.log((await res.text())[0]);
    }
  `,
    env,
  );
  assertEquals(lines, ["by proxy", "directly"]);
});

Deno.test("a response that is dropped unread gives its place back when it is collected, and is named", async () => {
  await using server = await raw((sock) => sock.send(whole("x".repeat(1_000_000))));
  const { lines, status } = await run(
    ["--allow-net", "--v8-flags=--expose-gc"],
    `
    on_error((err, about) => console.log(about, err.code));
    await using http = client({ base: "${server.url}", per_host: 1, timeout: 8_000 });
    await (async () => { await http.get("/a"); })();
    const collecting = setInterval(gc, 5);
    const [res, err] = await http.get("/b");
    clearInterval(collecting);
    console.log(err, (await res.body())[0].length);
  `,
  );
  assertEquals(lines, [`response of GET ${server.url}/a closed`, "null 1000000"]);
  assertEquals(status, 0);
});

Deno.test("a client that is dropped without close is closed when it is collected, and is named", async () => {
  await using server = await raw((sock) => sock.send(whole("ok")));
  const { lines, status } = await run(
    ["--allow-net", "--v8-flags=--expose-gc"],
    `
    const told = Promise.withResolvers();
    on_error((err, about) => told.resolve(about + " " + err.code));
    await (async () => { const [res] = await client().get("${server.url}"); await res.text(); })();
    const collecting = setInterval(gc, 5);
    console.log(await told.promise);
    clearInterval(collecting);
  `,
  );
  assertEquals([lines, status], [["an HTTP client closed"], 0]);
});

Deno.test("a client whose request is under way is not collected, though nobody holds it", async () => {
  const collected = Promise.withResolvers<void>();
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/collected")) collected.resolve();
    if (line.includes("/slow")) await collected.promise;
    await sock.send(
      line.includes("/slow")
        ? "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n"
        : whole("ok"),
    );
  });
  const { lines, status } = await run(
    ["--allow-net", "--v8-flags=--expose-gc"],
    `
    on_error((err, about) => console.log("too early:", about));
    const asked = (() => client().get("${server.url}/slow"))();
    for (let n = 0; n < 20; n++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await httprequest("${server.url}/collected");
    const [res] = await asked;
    console.log(res.url, (await res.text())[0]);
    Deno.exit();
  `,
  );
  assertEquals([lines, status], [[`${server.url}/end ok`], 0]);
});

Deno.test("neither an idle client nor a kept connection keeps the program alive", async () => {
  await using server = await raw((sock) => sock.send(whole("ok")));
  const { lines, status } = await run(
    ["--allow-net"],
    `
    const http = client();
    const [res] = await http.get("${server.url}");
    console.log((await res.text())[0], (await httprequest("${server.url}", { pool_size: 1 }))[0].body);
  `,
  );
  assertEquals([lines, status], [["ok ok"], 0]);
});
