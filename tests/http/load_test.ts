/** A server with many clients at a time. */
import { assertEquals } from "@std/assert";
import { sleep } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { ask, serve } from "./raw.ts";

Deno.test(`${sizes.httpConnections} kept connections are answered, one and all, and cost no requests`, async () => {
  const ROUNDS = 3;
  let served = 0;
  await using server = await serve(async (req, res) => {
    served += 1;
    // Every other one waits.
    if (served % 2 === 0) await sleep(1);
    res.add(req.path);
  }, { max_requests: sizes.httpConnections });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-config", "--no-prompt", "--allow-net=127.0.0.1", "--quiet"],
      ...[new URL("./load_client.ts", import.meta.url).href, String(server.port)],
      ...[String(sizes.httpConnections), String(ROUNDS)],
    ],
    stderr: "inherit",
  });
  const { stdout, success } = await child.output();
  const all = sizes.httpConnections * ROUNDS;
  assertEquals([success, new TextDecoder().decode(stdout).trim()], [true, String(all)]);
  assertEquals([served, server.requests], [all, 0]);
  assertEquals((await ask(server.port, "GET /last")).body, "/last");
});
