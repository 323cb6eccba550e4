/**
 * Fetches several pages side by side, a thread each: aLiLua's "multi loop".
 *
 *     deno run --allow-net examples/multi_loop.ts 127.0.0.1 8080 /one /two /three
 *     npx -y deno@2.9.6 task example multi_loop 127.0.0.1 8080 /one /two /three
 */
import { connect } from "@alilua/coevent/cosocket";
import { type IoError, newthread, type Result, startloop, wait } from "@alilua/coevent/thread";

const [host = "127.0.0.1", port = "8080", ...paths] = Deno.args;

async function fetchPage(path: string): Promise<Result<string>> {
  const [sock, err] = await connect(host, Number(port), { encoding: "utf-8" });
  if (err) return [null, err];
  await using _closed = sock;
  await sock.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const [status, readErr] = await sock.receive("*l");
  if (status === null) return [null, readErr as IoError];
  const [rest, restErr] = await sock.receive("*a");
  return restErr ? [null, restErr] : [`${status}, ${rest.split("\r\n\r\n")[1]?.trim()}`, null];
}

await startloop(async () => {
  const wanted = paths.length > 0 ? paths : ["/"];
  const threads = wanted.map((path) => newthread(fetchPage, path));
  const pages = await wait(threads);
  for (const [index, [page, err]] of pages.entries()) {
    console.log(`${wanted[index]}: ${err ? err.message : page}`);
    if (err) Deno.exitCode = 1;
  }
});
