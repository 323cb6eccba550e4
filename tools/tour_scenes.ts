/** README's tour: its programs, what they print, and a picture of both. */
import { configArgs } from "./config.ts";

/** One program of the tour. */
export interface Scene {
  /** Its first line, a comment. */
  title: string;
  /** The lines behind it. */
  source: string[];
}

/** A program with what it printed. */
export interface Played extends Scene {
  output: string[];
}

/** The programs of the chapter `## Sixty seconds`. */
export function scenesOf(readme: string): Scene[] {
  const chapter = /\n## Sixty seconds\n([\s\S]*?)\n## /.exec(readme)?.[1];
  if (chapter === undefined) throw new Error("README.md has no chapter 'Sixty seconds'");
  return [...chapter.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => {
    const [first = "", ...source] = block!.trimEnd().split("\n");
    return { title: first.replace(/^\/\/ /, ""), source };
  });
}

/** Runs a program as a file of the project, under the permissions of a tour. */
export async function play({ title, source }: Scene): Promise<Played> {
  // In the project, so that the package's own name leads to it.
  const file = await Deno.makeTempFile({ dir: ".cache", suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source.join("\n"));
    const flags = ["--allow-net=127.0.0.1", "--allow-run=sh"];
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...await configArgs(), "--no-check", "--no-prompt", ...flags, file],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`${title}: ${decoder.decode(stderr)}`);
    return { title, source, output: decoder.decode(stdout).trimEnd().split("\n") };
  } finally {
    await Deno.remove(file);
  }
}

const ROW = 19;
const COLUMN = 8.43;
const LEFT = 18;

type Tone = "title" | "source" | "comment" | "output" | "bar";

const COLOURS: Record<Tone, string> = {
  title: "#7ee787",
  source: "#c9d1d9",
  comment: "#8b949e",
  output: "#ffa657",
  bar: "#30363d",
};

function plain(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The lines of a terminal, with the colour of each. */
export function linesOf(scenes: Played[]): [tone: Tone, text: string][] {
  return scenes.flatMap(({ title, source, output }): [Tone, string][] => [
    ["title", `# ${title}`],
    ...source.map((line): [Tone, string] => ["source", line]),
    ...output.map((line): [Tone, string] => ["output", `> ${line}`]),
    ["source", ""],
  ]).slice(0, -1);
}

/** The picture of a terminal that shows the programs and what they print. */
export function picture(scenes: Played[]): string {
  const lines = linesOf(scenes);
  const columns = Math.max(...lines.map(([, text]) => text.length));
  const width = Math.ceil(columns * COLUMN + 2 * LEFT);
  const height = lines.length * ROW + 64;
  const rows = lines.map(([tone, text], n) => {
    const y = 60 + n * ROW;
    // A comment behind code is said more quietly.
    const at = tone === "source" ? text.search(/(^|\s)\/\/ /) : -1;
    const code = at < 0 ? text : text.slice(0, at);
    const rest = at < 0 ? "" : `<tspan fill="${COLOURS.comment}">${plain(text.slice(at))}</tspan>`;
    return `<text x="${LEFT}" y="${y}" fill="${COLOURS[tone]}">${plain(code)}${rest}</text>`;
  });
  const dots = ["#ff5f56", "#ffbd2e", "#27c93f"].map((fill, n) =>
    `<circle cx="${24 + n * 20}" cy="22" r="6" fill="${fill}"/>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">`,
    `<title>Programs of the tour in README.md, and what they print</title>`,
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    ...dots,
    ...rows,
    "</svg>\n",
  ].join("\n");
}
