/**
 * Answers HTTP: a greeting, a stream of events, what is being done; Ctrl-C drops no request.
 *
 *     deno run --allow-net=127.0.0.1 examples/hello_http.ts 8080
 *     npx -y deno@2.9.6 task example hello_http 8080
 *
 * With `--once` it ends when its events have been read. Try it: `curl 127.0.0.1:8080/you`,
 * and `curl -N 127.0.0.1:8080/events`.
 */
import { type HttpRequest, type HttpResponse, listen } from "@alilua/coevent/http";
import { signal } from "@alilua/coevent/process";
import { list, sleep } from "@alilua/coevent/thread";

const [port = "8080", mode] = Deno.args;

async function hello(req: HttpRequest, res: HttpResponse): Promise<void> {
  if (req.path === "/events") {
    for (let second = 0; second < 5; second++) {
      // Waits for a slow client; when it has gone, the sleep throws and this thread ends.
      await res.event(`second ${second}`);
      await sleep(mode === "--once" ? 1 : 1_000);
    }
    if (mode === "--once") void stop();
  } else if (req.path === "/threads") {
    res.json(list());
  } else {
    res.setcookie("visits", String(Number(req.cookies.get("visits") ?? 0) + 1));
    res.add(`hello ${req.path.slice(1) || "world"}\n`);
  }
}

const [server, err] = await listen("127.0.0.1", Number(port), hello, { timeout: 10_000 });
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
console.log(`http://127.0.0.1:${server.port}/`);
const stop = () => server.shutdown({ grace: 2_000 });
for (const name of ["SIGINT", "SIGTERM"]) signal.register(name, stop);

await server.done;
console.log("every request was answered");
