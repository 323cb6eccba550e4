/**
 * Clients for tests of many connections, of plain Deno: `hold PORT COUNT` opens so many,
 * says `held` and, at each line of input, has every one of them echo; `cycle PORT COUNT`
 * opens and closes so many, one after the other in 20 rows.
 */
const [what, port = "0", count = "0"] = Deno.args;
const total = Number(count);

/** From many addresses, so that the ports of one do not run out. */
const dial = (n: number) => Deno.connect({ hostname: `127.0.0.${1 + n % 20}`, port: Number(port) });

async function echo(conn: Deno.TcpConn, text: string): Promise<void> {
  const sent = new TextEncoder().encode(`${text}\n`);
  await conn.write(sent);
  const back = new Uint8Array(64);
  let got = 0;
  while (got < sent.length) {
    const more = await conn.read(back.subarray(got));
    if (more === null) throw new Error(`the end came instead of '${text}'`);
    got += more;
  }
  const answer = new TextDecoder().decode(back.subarray(0, got));
  if (answer !== `${text}\n`) throw new Error(`'${answer}' came instead of '${text}'`);
}

/** Runs `body` for each number below `total`, so many at a time. */
async function each(rows: number, body: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const row = async () => {
    while (next < total) await body(next++);
  };
  await Promise.all(Array.from({ length: rows }, row));
}

if (what === "cycle") {
  await each(20, async (n) => {
    using conn = await dial(n);
    // Some say something first.
    if (n % 4 === 0) await echo(conn, `cycle ${n}`);
  });
  console.log("done");
} else {
  const conns: Deno.TcpConn[] = [];
  await each(100, async (n) => {
    conns[n] = await dial(n);
  });
  let round = 0;
  const echoAll = () => each(500, (n) => echo(conns[n]!, `${round}: ${n}`));
  await echoAll();
  console.log("held");
  for await (const _ of Deno.stdin.readable) {
    round++;
    await echoAll();
    console.log(`round ${round}`);
  }
  for (const conn of conns) conn.close();
}
