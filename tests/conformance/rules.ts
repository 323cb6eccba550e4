/** All rules, by chapter. */
import { CONNECT_RULES } from "./connect_rules.ts";
import { RECEIVE_RULES } from "./receive_rules.ts";
import type { Rule } from "./rule.ts";
import { SOCKET_RULES } from "./socket_rules.ts";
import { THREAD_RULES } from "./thread_rules.ts";

/** The chapters of docs/conformance.md. */
export const CHAPTERS: Record<string, Rule[]> = {
  "Connecting, timeouts and the pool": CONNECT_RULES,
  "Reading and writing": RECEIVE_RULES,
  "UDP, threads and semaphores": THREAD_RULES,
  "Making sockets, TLS, bounds and ends": SOCKET_RULES,
};

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The page docs/conformance.md, before it is formatted. */
export function page(): string {
  const all = Object.values(CHAPTERS).flat();
  const same = all.filter(({ verdict }) => verdict === "same").length;
  const lines = [
    "# OpenResty's cosockets and threads, rule by rule",
    "",
    `What OpenResty documents, and what happens here: ${all.length} rules, ${same} the same and`,
    `${all.length - same} different by decision. Each row is a test of the same words in`,
    "`tests/conformance/`, and this page is written from them (`deno task conformance`).",
    "Errors are words in `err.code`, where theirs are texts.",
  ];
  for (const [chapter, rules] of Object.entries(CHAPTERS)) {
    lines.push("", `## ${chapter}`, "");
    lines.push(row(["Of", "Documented there", "Here", "", "Why"]));
    lines.push(row(["---", "---", "---", "---", "---"]));
    for (const rule of rules) {
      const why = rule.verdict === "different" ? rule.why : "";
      lines.push(row([`\`${rule.of}\``, rule.rule, rule.here, rule.verdict, why]));
    }
  }
  return `${lines.join("\n")}\n`;
}
