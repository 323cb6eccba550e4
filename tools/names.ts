/** The exported names of the entries, read from the documentation. */

interface DocDeclaration {
  kind: string;
}

interface DocSymbol {
  name: string;
  declarations: DocDeclaration[];
}

/** One line a name: `./thread: wait function`. */
export async function surfaceOf(entries: { name: string; file: string }[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, file } of entries) {
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--json", file],
      stderr: "inherit",
    }).output();
    if (!success) throw new Error(`deno doc ${file} failed`);
    for (const symbol of symbolsIn(JSON.parse(new TextDecoder().decode(stdout)))) {
      const kinds = new Set(symbol.declarations.map((declaration) => declaration.kind));
      lines.push(`${name}: ${symbol.name} ${[...kinds].sort().join("+")}`);
    }
  }
  return lines.sort();
}

/** The symbols of the one file that `deno doc --json` was asked for. */
function symbolsIn(doc: { nodes: Record<string, { symbols: DocSymbol[] }> }): DocSymbol[] {
  return Object.values(doc.nodes).flatMap((node) => node.symbols);
}
