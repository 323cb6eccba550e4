/**
 * Serves the files below a folder: types, ranges, conditional requests, nothing outside.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read examples/static.ts docs 8081
 *     npx -y deno@2.9.6 task example static docs 8081
 *
 * With `--once` it ends after its first answer. Try it:
 * `curl -r 0-99 127.0.0.1:8081/http.md`, and `curl --path-as-is 127.0.0.1:8081/../deno.json`.
 */
import { realpath, unwrap } from "@alilua/coevent/eio";
import * as http from "@alilua/coevent/http";

const [root = "docs", port = "8081", mode] = Deno.args;

// A folder that is not there, or may not be read, is found now and not by a visitor.
const files = http.static(await unwrap(realpath(root)), { cache_control: "max-age=60" });

const [server, err] = await http.listen("127.0.0.1", Number(port), async (req, res) => {
  await files(req, res);
  console.log(`${req.method} ${req.uri}: ${res.status}`);
  if (mode === "--once") void server?.shutdown();
});
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
console.log(`http://127.0.0.1:${server.port}/`);
await server.done;
