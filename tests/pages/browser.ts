/**
 * Examples that serve a page, in a real browser: Chromium without a window, driven through
 * `playwright-core`. With `COEVENT_SCREENSHOTS` set to a folder, what was seen is kept there.
 */
import { assert, assertEquals } from "@std/assert";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { configArgs } from "../../tools/config.ts";
import { flagsOf } from "../../tools/head.ts";
import { freePort, listening, peerTest, Running } from "../peers.ts";

const config = await configArgs();
const kept = Deno.env.get("COEVENT_SCREENSHOTS");

/** So long, in milliseconds, may a program take to start: the machine may be busy elsewhere. */
const LIMIT = 60_000;

/** The screens a page must be good on. */
export const SCREENS = {
  phone: { width: 360, height: 640 },
  desktop: { width: 1280, height: 800 },
} as const;

/** One who looks at the page. */
export interface Viewer {
  page: Page;
  context: BrowserContext;
  /** What the page has complained about: errors, and what its policy has refused. */
  complaints: string[];
}

/** A running example, and browsers to look at it. */
export class Stage {
  readonly url: string;
  readonly #name: string;
  readonly #port: number;
  readonly #browser: Browser;
  readonly #viewers: Viewer[] = [];
  #running: Running | null = null;

  constructor(name: string, port: number, browser: Browser) {
    this.#name = name;
    this.#port = port;
    this.#browser = browser;
    this.url = `http://127.0.0.1:${port}/`;
  }

  /**
   * Starts the example under the flags of its head: its first argument is the port, the
   * second, for those who look at something, how many milliseconds lie between two looks.
   */
  async start(): Promise<void> {
    const file = `examples/${this.#name}.ts`;
    const flags = flagsOf(await Deno.readTextFile(file), this.#name);
    const args = ["run", ...config, "--no-prompt", ...flags, file, String(this.#port), "250"];
    this.#running = new Running(Deno.execPath(), args, { env: { NO_COLOR: "1" } });
    await listening(this.#port, LIMIT);
  }

  /** Ends the example. */
  async stop(): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    this.#running = null;
  }

  /** Opens the page on a screen, in the light or in the dark. */
  async open(screen: keyof typeof SCREENS, scheme: "light" | "dark"): Promise<Viewer> {
    const context = await this.#browser.newContext({
      viewport: SCREENS[screen],
      colorScheme: scheme,
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    // An alert that a stranger's text opens is the worst complaint of all.
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(this.url);
    const viewer = { page, context, complaints };
    this.#viewers.push(viewer);
    return viewer;
  }

  /** Takes a picture, and looks at what a picture shows: nothing sticks out at the side. */
  async look({ page }: Viewer, name: string): Promise<void> {
    const png = await page.screenshot();
    assertEquals([...png.subarray(1, 4)], [...new TextEncoder().encode("PNG")]);
    if (kept !== undefined) await Deno.writeFile(`${kept}/${this.#name}-${name}.png`, png);
    const over = await page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert(over <= 0, `${name}: ${over} px stick out of the window`);
  }

  /** Nobody's page has complained. */
  quiet(): void {
    assertEquals(this.#viewers.flatMap(({ complaints }) => complaints), []);
  }

  /** Ends all. */
  async close(): Promise<void> {
    for (const { context } of this.#viewers) await context.close();
    await this.stop();
  }
}

/** Registers a test of an example's page. It is skipped by name where Chromium is missing. */
export function pageTest(
  name: string,
  title: string,
  fn: (stage: Stage) => Promise<void>,
): void {
  peerTest(`examples/${name}.ts: ${title}`, ["chromium"], async ({ chromium: executablePath }) => {
    // Root is refused a sandbox; what is shown is our own page, from this machine. A
    // container may have too little shared memory.
    const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    const browser = await chromium.launch({ executablePath, args, timeout: LIMIT });
    try {
      const stage = new Stage(name, freePort(), browser);
      try {
        await stage.start();
        await fn(stage);
      } finally {
        await stage.close();
      }
    } finally {
      await browser.close();
    }
  });
}
