/**
 * `deno task ok`: everything that must be green before a commit. With `--but-tests`,
 * the tests are left out, for who runs them otherwise.
 */
import { configArgs, deno, entries, filesBelow } from "./project.ts";
import { readReport } from "./report.ts";

const config = await configArgs();
const files = (await entries()).map((entry) => entry.file);
const folders = [...new Set(["core", ...files.map((file) => file.split("/")[1]!)])];
const sources = (await Promise.all(
  folders.map((folder) => folder.endsWith(".ts") ? [folder] : filesBelow(folder, ".ts")),
)).flat();
const pages = ["README.md", ...await filesBelow("docs", ".md")];
const docReport = ".cache/doc_tests.xml";
await Deno.mkdir(".cache", { recursive: true });
await Deno.remove(docReport).catch(() => {});

const steps: { name: string; args: string[] }[] = [
  { name: "fmt", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "doc --lint", args: ["doc", "--lint", ...files] },
  { name: "check", args: ["check", ...config, "."] },
  ...(Deno.args.includes("--but-tests")
    ? []
    : [{ name: "test", args: ["run", "-A", "tools/test.ts", "quick"] }]),
  {
    name: "test --doc",
    args: [
      "test",
      ...config,
      "--doc",
      "-A",
      "--no-prompt",
      "--trace-leaks",
      "--quiet",
      `--junit-path=${docReport}`,
      ...sources,
      ...pages,
    ],
  },
  {
    name: "publish --dry-run",
    args: ["publish", ...config, "--dry-run", "--allow-dirty", "--quiet"],
  },
];

const failed: string[] = [];
for (const { name, args } of steps) {
  console.log(`\n--- ${name}`);
  const { success } = await deno(args);
  if (!success) failed.push(name);
}

const docs = await readReport(docReport);
console.log(`\ndoc tests: ${docs.filter((test) => test.outcome === "passed").length} passed`);
if (docs.length === 0) failed.push("test --doc ran nothing");
console.log(failed.length === 0 ? "ok" : `not ok: ${failed.join(", ")}`);
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`);
Deno.exit(failed.length === 0 ? 0 : 1);
