/** The server under programs that are not ours. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { listen, type RequestHandler, static as files, unwrap } from "../../http/mod.ts";
import { on_error, sleep } from "../../thread/mod.ts";
import { freePort, listening, peerTest, Running } from "../peers.ts";
import { serve } from "./raw.ts";

const FIXTURES = `${Deno.cwd()}/tests/fixtures`;

/** Runs a program to its end, and gives what it wrote. */
async function run(path: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(path, { args, stdin: "null" }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const handler: RequestHandler = async (req, res) => {
  switch (req.path) {
    case "/echo": {
      const [text, err] = await req.text();
      if (err === null) res.add(`${req.method} ${text.length}`);
      break;
    }
    case "/written":
      for (const word of ["one ", "two ", "three"]) await res.write(word);
      break;
    case "/events":
      for (let n = 0; n < 3; n++) await res.event(String(n));
      break;
    case "/slow":
      await sleep(60_000);
      break;
    default:
      res.add(`${req.method} ${req.uri}\n`);
  }
};

for (const version of ["1.1", "2"]) {
  peerTest(`curl over HTTP/${version} and TLS: bodies both ways, HEAD, ranges, limits`, [
    "curl",
  ], async ({ curl }) => {
    const ssl = {
      cert: await Deno.readTextFile(`${FIXTURES}/server.pem`),
      key: await Deno.readTextFile(`${FIXTURES}/server_key.pem`),
    };
    await using server = await unwrap(listen("127.0.0.1", 0, handler, { ssl }));
    const base = `https://localhost:${server.port}`;
    const get = (path: string, ...args: string[]) =>
      run(
        ...[curl, "-sS", "--cacert", `${FIXTURES}/ca.pem`, `--http${version}`] as const,
        ...["--resolve", `localhost:${server.port}:127.0.0.1`, ...args, `${base}${path}`],
      );
    assertEquals(await get("/a?b"), "GET /a?b\n");
    assertMatch(await get("/a", "-w", "%{http_version}", "-o", "/dev/null"), new RegExp(version));
    assertEquals(await get("/written"), "one two three");
    assertEquals(await get("/events"), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
    assertEquals(await get("/echo", "-d", "hello"), "POST 5");
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(path, "x".repeat(500_000));
      assertEquals(await get("/echo", "-T", path), "PUT 500000");
      await Deno.writeTextFile(path, "x".repeat(2_000_000));
      const status = ["-o", "/dev/null", "-w", "%{http_code}"];
      assertStringIncludes(await get("/echo", "-T", path, ...status), "413");
    } finally {
      await Deno.remove(path);
    }
    const head = await get("/written", "-I");
    assertMatch(head, new RegExp(`^HTTP/${version === "2" ? "2" : "1.1"} 200`));
    assert(!head.includes("one"), head);
  });

  peerTest(
    `a curl over HTTP/${version} that gives up kills its handler`,
    ["curl"],
    async ({ curl }) => {
      const ssl = {
        cert: await Deno.readTextFile(`${FIXTURES}/server.pem`),
        key: await Deno.readTextFile(`${FIXTURES}/server_key.pem`),
      };
      const begun = Promise.withResolvers<void>();
      const killed = Promise.withResolvers<void>();
      const slow: RequestHandler = async () => {
        begun.resolve();
        try {
          await sleep(60_000);
        } finally {
          killed.resolve();
        }
      };
      await using server = await unwrap(listen("127.0.0.1", 0, slow, { ssl }));
      const url = `https://127.0.0.1:${server.port}/`;
      const client = new Running(curl, ["-sSk", `--http${version}`, url]);
      await begun.promise;
      await client[Symbol.asyncDispose]();
      await killed.promise;
    },
  );
}

peerTest(
  "curl uses one connection for several requests, and reads an answer as it comes",
  ["curl"],
  async ({ curl }) => {
    await using server = await serve(handler);
    const base = `http://127.0.0.1:${server.port}`;
    const output = await run(curl, "-sSv", `${base}/a`, `${base}/written`, `${base}/b`);
    assertStringIncludes(output, "GET /a\none two threeGET /b\n");
    assertEquals(output.match(/Re-using existing connection/g)?.length, 2);
  },
);

peerTest("nginx in front: answers, uploads, events as they come, kept connections, static files", [
  "nginx",
  "curl",
], async ({ nginx, curl }) => {
  const folder = await Deno.makeTempDir();
  const site = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${site}/page.html`, "<p>page");
    const page = files(site, { prefix: "/site" });
    const second = Promise.withResolvers<void>();
    let connections = new Set<unknown>();
    await using server = await serve(async (req, res) => {
      connections.add(JSON.stringify(req.client));
      if (req.path.startsWith("/site/")) return page(req, res);
      if (req.path !== "/live") return handler(req, res);
      await res.event("first");
      await second.promise;
      await res.event("second");
    });
    const port = freePort();
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
       events {}
       http {
         access_log off;
         client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
         fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
         upstream ours { server 127.0.0.1:${server.port}; keepalive 4; }
         server {
           listen 127.0.0.1:${port};
           location / {
             proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection "";
           }
         }
       }`,
    );
    await using running = new Running(nginx, [
      ...["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
    ]);
    await listening(port);
    assert(running.pid > 0);
    const base = `http://127.0.0.1:${port}`;
    assertEquals(await run(curl, "-sS", `${base}/a?b=%20`), "GET /a?b=%20\n");
    assertEquals(await run(curl, "-sS", "-d", "x".repeat(100_000), `${base}/echo`), "POST 100000");
    assertEquals(await run(curl, "-sS", `${base}/written`), "one two three");
    assertEquals(await run(curl, "-sS", `${base}/site/page.html`), "<p>page");
    assertEquals(await run(curl, "-sS", "-r", "3-", `${base}/site/page.html`), "page");
    assertMatch(await run(curl, "-sS", "--path-as-is", `${base}/site/..%2fx`), /Not Found|400/);
    // An event is through before the next is made.
    const live = await fetch(`${base}/live`);
    const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await reader.read()).value, "data: first\n\n");
    second.resolve();
    let rest = "";
    for (let step; !(step = await reader.read()).done;) rest += step.value;
    assertEquals(rest, "data: second\n\n");
    connections = new Set();
    const paths = Array.from({ length: 20 }, (_, n) => `${base}/${n}`);
    const all = await run(curl, "-sS", ...paths);
    assertEquals(all, Array.from({ length: 20 }, (_, n) => `GET /${n}\n`).join(""));
    assert(connections.size < 20, "nginx kept no connection to ours");
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(site, { recursive: true });
  }
});

peerTest(
  "wrk gets nothing but good answers, from handlers of all kinds",
  ["wrk"],
  async ({ wrk }) => {
    const reports: unknown[] = [];
    const off = on_error((error) => reports.push(error));
    try {
      let turn = 0;
      await using server = await serve(async (_req, res) => {
        switch (turn++ % 4) {
          case 0:
            return res.add("added");
          case 1:
            await sleep(1);
            return res.json({ after: "a wait" });
          case 2:
            await res.write("written");
            return;
          default:
            return new Response("standard");
        }
      });
      const output = await run(wrk, "-t1", "-c32", "-d1s", `http://127.0.0.1:${server.port}/`);
      assert(!output.includes("Non-2xx"), output);
      assert(!output.includes("Socket errors"), output);
      assert(turn > 100, output);
      await sleep(0);
      assertEquals(reports, []);
    } finally {
      off();
    }
  },
);
