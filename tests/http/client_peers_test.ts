/** The client before servers that are not ours. */
import { assertEquals } from "@std/assert";
import { unwrap } from "../../core/mod.ts";
import { client, httprequest } from "../../http/mod.ts";
import { freePort, listening, peerTest, Running } from "../peers.ts";

const TEXT = "hello, hello, hello\n".repeat(5_000);

/** nginx on loopback, over TLS with HTTP/2 too, with files to serve. */
async function startNginx(nginx: string) {
  const folder = await Deno.makeTempDir();
  // Its workers are somebody else when root starts it.
  await Deno.chmod(folder, 0o755);
  await Deno.mkdir(`${folder}/files/sub`, { recursive: true });
  await Deno.writeTextFile(`${folder}/files/text.txt`, TEXT);
  await Deno.writeTextFile(`${folder}/files/sub/index.html`, "index");
  const [port, tlsPort] = [freePort(), freePort()];
  const pem = (name: string) => `${Deno.cwd()}/tests/fixtures/${name}.pem`;
  for (const name of ["server", "server_key"]) {
    await Deno.copyFile(pem(name), `${folder}/${name}.pem`);
  }
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
    events {}
    http {
      access_log off; default_type text/plain; keepalive_requests 3; client_max_body_size 1k;
      gzip on; gzip_min_length 100; gzip_types text/plain;
      client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
      uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
      server {
        listen 127.0.0.1:${port};
        listen 127.0.0.1:${tlsPort} ssl http2;
        ssl_certificate ${folder}/server.pem; ssl_certificate_key ${folder}/server_key.pem;
        root ${folder}/files;
        location = /post { return 200 "$request_method $content_length $http_transfer_encoding"; }
        location = /where { return 200 "$server_protocol $connection_requests"; }
      }
    }`,
  );
  const running = new Running(nginx, ["-c", `${folder}/nginx.conf`, "-p", folder]);
  await listening(port);
  return {
    url: `http://127.0.0.1:${port}`,
    tls: `https://localhost:${tlsPort}`,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

peerTest("HttpClient before nginx: gzip, ranges, redirects to a folder, uploads, connections", [
  "nginx",
], async ({ nginx }) => {
  await using server = await startNginx(nginx);
  const ca = await Deno.readTextFile("tests/fixtures/ca.pem");
  for (const base of [server.url, server.tls]) {
    await using http = client({ base, ssl: { ca }, per_host: 1 });
    const packed = await unwrap(http.get("/text.txt"));
    assertEquals(packed.headers.get("content-encoding"), "gzip");
    assertEquals([packed.length, await packed.text()], [null, [TEXT, null]]);
    const part = await unwrap(http.get("/text.txt", { headers: { range: "bytes=5-9" } }));
    assertEquals([part.status, await part.text()], [206, [TEXT.slice(5, 10), null]]);
    const folder = await unwrap(http.get("/sub"));
    assertEquals([await folder.text(), folder.redirects.length], [["index", null], 1]);
    assertEquals((await unwrap(http.get("/none"))).status, 404);

    const post = async (
      data: string | string[],
    ) => (await unwrap(http.post("/post", data.length === 0 ? undefined : data)));
    assertEquals(await (await post("data")).text(), ["POST 4 ", null]);
    assertEquals(await (await post("")).text(), ["POST 0 ", null]);
    assertEquals((await post("x".repeat(2_000))).status, 413);

    // It closes each connection after three requests, which nobody notices.
    const said: string[] = [];
    for (let n = 0; n < 7; n++) said.push(await unwrap((await unwrap(http.get("/where"))).text()));
    assertEquals(
      new Set(said.map((one) => one.split(" ")[0])),
      new Set([
        base.startsWith("https:") ? "HTTP/2.0" : "HTTP/1.1",
      ]),
    );
  }
});

peerTest(
  "httprequest() before nginx: keepalive and not, HEAD, gzip",
  ["nginx"],
  async ({ nginx }) => {
    await using server = await startNginx(nginx);
    const many = await Promise.all(
      Array.from({ length: 20 }, () => httprequest(`${server.url}/where`, { pool_size: 4 })),
    );
    assertEquals(many.map(([res, err]) => [res?.status, err]), many.map(() => [200, null]));
    const [own] = await httprequest(`${server.url}/where`);
    assertEquals([own?.body, own?.header["connection"]], ["HTTP/1.1 1", "close"]);
    const [head] = await httprequest(`${server.url}/sub/index.html`, { method: "HEAD" });
    assertEquals([head?.status, head?.body], [200, ""]);
    const [packed] = await httprequest(`${server.url}/text.txt`);
    assertEquals([packed?.body.length, packed?.header["content-encoding"]], [TEXT.length, "gzip"]);
  },
);
