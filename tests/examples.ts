/** What each example needs to run in a test: arguments, and a server for it. */
import { find, freePort, listening, Running } from "./peers.ts";

/** An example's surroundings while it runs. */
export interface Stage extends AsyncDisposable {
  args: string[];
  /** What must be in its output. */
  prints: string;
}

/** How to set the stage for an example. */
export interface Setting {
  /** Programs without which the example cannot run. */
  needs?: string[];
  stage(): Promise<Stage>;
}

/** Serves pages on a port of its own. */
function pages(prints: string, ...paths: string[]): Setting {
  return {
    stage() {
      const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
      const server = Deno.serve(options, (request) => {
        return new Response(`page ${new URL(request.url).pathname}\n`);
      });
      return Promise.resolve({
        args: ["127.0.0.1", String(server.addr.port), ...paths],
        prints,
        [Symbol.asyncDispose]: () => server.shutdown(),
      });
    },
  };
}

/** An example that needs nothing around it. */
function plain(prints: string, ...args: string[]): Setting {
  return { stage: () => Promise.resolve({ args, prints, async [Symbol.asyncDispose]() {} }) };
}

/** Every example has a row. */
export const SETTINGS: Record<string, Setting> = {
  single_loop: pages("page /one", "/one"),
  multi_loop: pages("/two: HTTP/1.1 200 OK, page /two", "/one", "/two"),
  top: plain("GiB", "--once"),
  log_rotate: {
    async stage() {
      const folder = await Deno.makeTempDir();
      return {
        args: [`${folder}/app.log`],
        prints: "152 lines written, 0 lost",
        [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
      };
    },
  },
  keep_alive_child: plain("stopped after 3 ends and 2 new starts"),
  redis_ping: {
    needs: ["redis-server"],
    async stage() {
      const port = freePort();
      const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", ""];
      const server = new Running(find("redis-server")!, args);
      await listening(port);
      return {
        args: ["127.0.0.1", String(port)],
        prints: "+PONG I am 5, over a reused socket",
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
};
