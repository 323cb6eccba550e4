/** What handlers and options are told when an argument is of the wrong kind. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { HttpResponse } from "../../http/mod.ts";
import { ask, serve } from "./raw.ts";

Deno.test("a response refuses arguments of the wrong kind, and names them", async () => {
  const wrong: [call: (res: HttpResponse) => unknown, words: string][] = [
    [(res) => res.headers.set(7 as never, "x"), "wants a header's name, a string: got number"],
    [(res) => res.headers.set("a", {} as never), "the value of 'a' must be a string or number"],
    [(res) => res.setcookie("a", 7 as never), "the value of 'a' must be a string: got number"],
    [
      (res) => res.setcookie("a", "b", { samesite: "no" as never }),
      'samesite must be "strict", "lax" or "none"',
    ],
    [(res) => res.redirect(""), 'redirect wants a URL: got ""'],
    [(res) => res.redirect(7 as never), "redirect wants a URL: got number"],
    [(res) => res.sendfile(7 as never), "sendfile wants a path or an open file: got number"],
    [(res) => res.sendfile("/x", "0" as never), "must be a number: got string"],
    [(res) => res.sendfile("/x", -1), "must be a whole number from 0: got -1"],
  ];
  const heard: string[] = [];
  await using server = await serve(async (_req, res) => {
    for (const [call] of wrong) {
      try {
        await call(res);
        heard.push("nothing was thrown");
      } catch (error) {
        heard.push((error as Error).message);
      }
    }
  });
  assertEquals((await ask(server.port, "GET /")).status, 204);
  for (const [index, [, words]] of wrong.entries()) assertStringIncludes(heard[index]!, words);
});

Deno.test("a request gives the same query, client and no cookies, however often it is asked", async () => {
  await using server = await serve((req, res) => {
    const same = req.query === req.query && req.client === req.client;
    res.add(String(same), " ", req.query.get("a") ?? "", " ", req.cookies.get("a") ?? "none");
  });
  assertEquals((await ask(server.port, "GET /?a=1")).body, "true 1 none");
});

Deno.test("a directory is no file to send", async () => {
  const folder = await Deno.makeTempDir();
  await using server = await serve(async (_req, res) => {
    const [, err] = await res.sendfile(folder);
    res.add(err?.code ?? "sent");
  });
  assertEquals((await ask(server.port, "GET /")).body, "is_dir");
  await Deno.remove(folder);
});
