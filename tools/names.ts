/** The exported names of the entries, read from the documentation, and the rule they keep. */
import { configArgs } from "./config.ts";
import type { Entry } from "./project.ts";
import { denoJson } from "./spawn.ts";

/** One exported name, or one member of an exported class or interface. */
export interface Name {
  /** The entry: `./thread`. */
  entry: string;
  /** `wait`, or `IoError.code`. */
  name: string;
  /** `function`, `class`, `method`, `property` ... */
  kind: string;
  /** It is called and gives a promise, or what is iterated with `await`. */
  waits: boolean;
}

interface Returns {
  returnType?: { repr?: string };
}

interface Member extends Returns {
  name: string;
  accessibility?: string;
  functionDef?: Returns;
}

interface Declaration {
  kind: string;
  def?: { methods?: Member[]; properties?: Member[] } & Returns;
}

interface Doc {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}

/** Every exported name of the entries, each followed by its members. */
export async function namesOf(entries: Entry[]): Promise<Name[]> {
  const config = await configArgs();
  const found = await Promise.all(entries.map(async ({ name: entry, file }) => {
    return namesIn(entry, await denoJson(["doc", ...config, "--json", file]) as Doc);
  }));
  return found.flat();
}

function namesIn(entry: string, doc: Doc): Name[] {
  const names: Name[] = [];
  for (const { name, declarations } of Object.values(doc.nodes).flatMap((node) => node.symbols)) {
    const kinds = new Set(declarations.map((declaration) => declaration.kind));
    const waits = declarations.some(({ def }) => givesPromise(def));
    names.push({ entry, name, kind: [...kinds].sort().join("+"), waits });
    const members = new Map<string, Name>();
    for (const { def } of declarations) {
      for (const kind of ["methods", "properties"] as const) {
        for (const member of def?.[kind] ?? []) {
          if (member.accessibility !== undefined && member.accessibility !== "public") continue;
          const full = `${name}.${member.name}`;
          members.set(full, {
            entry,
            name: full,
            kind: kind === "methods" ? "method" : "property",
            waits: givesPromise(member.functionDef ?? member),
          });
        }
      }
    }
    names.push(...members.values());
  }
  return names;
}

function givesPromise(called: Returns | undefined): boolean {
  return /^(Promise|Async\w+)$/.test(called?.returnType?.repr ?? "");
}

/** What `tests/surface.txt` lists: one line a name, `./thread: wait function`. */
export function surfaceOf(names: Name[]): string[] {
  return names.filter((name) => !isMember(name))
    .map(({ entry, name, kind }) => `${entry}: ${name} ${kind}`).sort();
}

function isMember({ kind }: Name): boolean {
  return kind === "method" || kind === "property";
}

const SNAKE = /^[a-z][a-z0-9_]*$/;
const PASCAL = /^[A-Z][A-Za-z0-9]*$/;
const UPPER = /^[A-Z][A-Z0-9_]*$/;

/**
 * Whether a name keeps the rule: functions, methods, option keys and fields snake_case,
 * types and classes PascalCase, constants UPPER_CASE. A variable may hold a function, and
 * a reference repeats a name that another module exports. Members in brackets are symbols.
 */
export function keepsRule({ name, kind }: Name): boolean {
  switch (kind) {
    case "function":
    case "namespace":
      return SNAKE.test(name);
    case "variable":
    case "reference":
      return SNAKE.test(name) || UPPER.test(name);
    case "method":
    case "property": {
      const member = name.slice(name.indexOf(".") + 1);
      return member.startsWith("[") || SNAKE.test(member);
    }
    default:
      return PASCAL.test(name);
  }
}
