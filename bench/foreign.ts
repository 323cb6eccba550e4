/**
 * The same work in other runtimes, where these are there: Node, LuaJIT with lua-cqueues,
 * nginx with its Lua module, and a C program on epoll, which is what loopback allows.
 * nginx's modules are looked for where Debian has them, or in `$NGINX_MODULES`; its Lua
 * files in `$NGINX_LUA`.
 */

/** An echo server of another runtime. */
export interface ForeignServer extends AsyncDisposable {
  pid: number;
  port: number;
  /** Where it must be asked first: what a client sends before its first line. */
  greeting: Uint8Array;
}

/** Clients of another runtime, connected, that make so many round trips each a round. */
export interface Visitors extends AsyncDisposable {
  /** Makes one round; gives its seconds. */
  round(): Promise<number>;
}

/** What another runtime can do here. */
export interface Foreign {
  name: string;
  /** Starts its server; `within` goes before the command, as `taskset` does. */
  serve(within?: string[]): Promise<ForeignServer>;
  /** Connects its clients to a peer of `peer.ts`. */
  visit(port: number, connections: number, trips: number): Promise<Visitors>;
}

const HERE = new URL("foreign/", import.meta.url).pathname;
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();

/** Whether a command is there and succeeds. */
async function works(command: string, ...args: string[]): Promise<boolean> {
  try {
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(command, options).output()).success;
  } catch {
    return false; // Not on the PATH.
  }
}

/** A process that is spoken with by lines. */
class Talker implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #text = "";

  constructor([command, ...args]: string[]) {
    this.#child = new Deno.Command(command!, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#output = this.#child.stdout.getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  get pid(): number {
    return this.#child.pid;
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`it ended after '${this.#text}'`);
      this.#text += decoder.decode(value, { stream: true });
    }
  }

  async ask(): Promise<string> {
    await this.#input.write(new Uint8Array([10]));
    return await this.line();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.status;
    await this.#output.cancel();
    await this.#input.abort().catch(() => {});
  }
}

/** A runtime whose server says its port, and whose clients make a round for each line. */
export class ByLines implements Foreign {
  readonly name: string;
  readonly #server: string[];
  readonly #visitor: string[];

  constructor(name: string, server: string[], visitor: string[]) {
    this.name = name;
    this.#server = server;
    this.#visitor = visitor;
  }

  async serve(within: string[] = []): Promise<ForeignServer> {
    const talker = new Talker([...within, ...this.#server]);
    const port = Number(await talker.line());
    return {
      pid: talker.pid,
      port,
      greeting: NOTHING,
      [Symbol.asyncDispose]: () => talker[Symbol.asyncDispose](),
    };
  }

  async visit(port: number, connections: number, trips: number): Promise<Visitors> {
    const talker = new Talker([...this.#visitor, `${port}`, `${connections}`, `${trips}`]);
    await talker.line();
    return {
      round: async () => Number(await talker.ask()),
      [Symbol.asyncDispose]: () => talker[Symbol.asyncDispose](),
    };
  }
}

/** nginx with Lua: it has its own way to begin, and a request makes it work. */
class Nginx implements Foreign {
  readonly name = "nginx, Lua";
  readonly #modules: string;

  constructor(modules: string) {
    this.#modules = modules;
  }

  async #start(within: string[]): Promise<ForeignServer> {
    const folder = await Deno.makeTempDir();
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = probe.addr;
    probe.close();
    const lua = Deno.env.get("NGINX_LUA") ?? "/usr/share/lua/5.1";
    const text = (await Deno.readTextFile(`${HERE}nginx.conf`))
      .replaceAll("MODULES", this.#modules).replaceAll("LUA/", `${lua}/`)
      .replaceAll("PORT", `${port}`);
    await Deno.writeTextFile(`${folder}/nginx.conf`, text);
    const [command, ...args] = [...within, "nginx", "-p", folder, "-c", "nginx.conf"];
    const child = new Deno.Command(command!, { args, stdin: "null" }).spawn();
    while (!await Deno.connect({ port }).then((conn) => (conn.close(), true), () => false));
    return {
      pid: child.pid,
      port,
      greeting: new TextEncoder().encode("GET /echo HTTP/1.1\r\nHost: bench\r\n\r\n"),
      async [Symbol.asyncDispose]() {
        child.kill();
        await child.status;
        await Deno.remove(folder, { recursive: true });
      },
    };
  }

  serve(within: string[] = []): Promise<ForeignServer> {
    return this.#start(within);
  }

  async visit(port: number, connections: number, trips: number): Promise<Visitors> {
    const server = await this.#start([]);
    const query = `port=${port}&connections=${connections}&trips=${trips}`;
    const round = async () => {
      const answer = await fetch(`http://127.0.0.1:${server.port}/visit?${query}`);
      return Number(await answer.text());
    };
    await round();
    return { round, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }
}

/** The C program, compiled. */
async function compiled(): Promise<string | null> {
  const to = await Deno.makeTempFile();
  if (await works("cc", "-O2", "-o", to, `${HERE}echo.c`)) return to;
  await Deno.remove(to);
  return null;
}

/** Those that are here; says which are not. */
export async function foreigners(): Promise<Foreign[]> {
  const here: Foreign[] = [];
  const missing: string[] = [];
  const add = (foreign: Foreign, there: boolean) => {
    if (there) here.push(foreign);
    else missing.push(foreign.name);
  };
  const node = ["server_node.mjs", "visit_node.mjs"].map((file) => ["node", HERE + file]);
  add(new ByLines("node:net (Node)", node[0]!, node[1]!), await works("node", "--version"));
  const lua = ["server_cqueues.lua", "visit_cqueues.lua"].map((file) => ["luajit", HERE + file]);
  const cqueues = await works("luajit", "-e", "require 'cqueues'");
  add(new ByLines("LuaJIT, cqueues", lua[0]!, lua[1]!), cqueues);
  const modules = Deno.env.get("NGINX_MODULES") ?? "/usr/lib/nginx/modules";
  const there = await Deno.stat(`${modules}/ngx_http_lua_module.so`).then(() => true, () => false);
  add(new Nginx(modules), there && await works("nginx", "-v"));
  const program = await compiled();
  add(new ByLines("C, epoll", [program!, "serve"], [program!, "visit"]), program !== null);
  if (missing.length > 0) console.log(`not here, and left out: ${missing.join("; ")}`);
  return here;
}
