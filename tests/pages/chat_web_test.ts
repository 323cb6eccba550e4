/** The chat's page: two people talk, by keyboard alone, and nobody's text becomes markup. */
import { assert, assertEquals } from "@std/assert";
import { connect, unwrap } from "../../websocket/mod.ts";
import { pageTest, type Viewer } from "./browser.ts";

/** Joins by keyboard: the name's field has the focus from the beginning. */
async function join({ page }: Viewer, name: string): Promise<void> {
  await page.getByText("connected", { exact: true }).waitFor();
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await page.getByLabel(`Message, as ${name}`).waitFor();
}

/** Says something by keyboard: joining has brought the focus to the message's field. */
async function say({ page }: Viewer, text: string): Promise<void> {
  // Key by key, or as an input method hands it over.
  await (text.length < 40 ? page.keyboard.type(text) : page.keyboard.insertText(text));
  await page.keyboard.press("Enter");
}

/** Waits until a line is there, of somebody. */
async function sees({ page }: Viewer, who: string, text: string): Promise<void> {
  const line = page.getByRole("log").locator("li:not(.note)", { hasText: text });
  await line.waitFor();
  assertEquals(await line.locator(".who").textContent(), who);
}

pageTest("chat_web", "two people talk, on a phone and on a desk", async (stage) => {
  const ann = await stage.open("phone", "dark");
  const bob = await stage.open("desktop", "light");
  await stage.look(ann, "join-phone-dark");
  await join(ann, "Ann");
  await join(bob, "Bob");
  await ann.page.getByText("Bob came").waitFor();
  await say(ann, "Hello Bob! Is the ferry on time?");
  await sees(bob, "Ann", "Is the ferry on time?");
  await say(bob, "It is. ".repeat(40).trim());
  await sees(ann, "Bob", "It is.");
  await say(ann, "x".repeat(300));
  await sees(bob, "Ann", "xxx");
  for (const [viewer, name] of [[ann, "phone-dark"], [bob, "desktop-light"]] as const) {
    await stage.look(viewer, `talk-${name}`);
    await viewer.page.emulateMedia({ colorScheme: name === "phone-dark" ? "light" : "dark" });
    await stage.look(viewer, `talk-${name}-turned`);
  }
  await ann.context.close();
  await bob.page.getByText("Ann left").waitFor();
  await bob.page.getByText("only you here").waitFor();
  stage.quiet();
});

/** Each would run, or load, or leave its place, if it became markup. */
const NASTY = [
  "<img src=x onerror=alert(1)>",
  "<script>alert(2)</script>",
  "<a href='javascript:alert(3)'>click</a>",
  "<style>body { display: none }</style>",
  "</li></ol><h2>free</h2>",
  "&lt;b&gt; {{7*7}} ${7*7}",
];

pageTest(
  "chat_web",
  "text of strangers stays text, and what is no message is left alone",
  async (stage) => {
    const victim = await stage.open("desktop", "light");
    await join(victim, "Vic");
    const url = stage.url.replace("http:", "ws:") + "ws";
    const elements = () => victim.page.evaluate<number>("document.querySelectorAll('*').length");
    for (const text of NASTY) {
      await using stranger = await unwrap(connect(url));
      await stranger.send(JSON.stringify({ name: text.slice(0, 24) }));
      const before = await elements();
      await stranger.send(JSON.stringify({ text }));
      await sees(victim, text.slice(0, 24), text);
      // A line is four elements: itself, who, when and what.
      assert(await elements() <= before + 4 + 2);
      await stranger.close();
      await victim.page.getByText(`${text.slice(0, 24)} left`, { exact: true }).waitFor();
    }
    assertEquals(await victim.page.locator("main img, main script, main a, main h2").count(), 0);
    await stage.look(victim, "strangers");
    // What is no message of the page's is left alone.
    for (const first of ["", "no JSON", "null", "{}", '{"name":" "}', '{"name":1}']) {
      await using stranger = await unwrap(connect(url));
      await stranger.send(first);
      assertEquals(await stranger.receive(), [null, null], first);
    }
    await using stranger = await unwrap(connect(url));
    await stranger.send('{"name":"Vic"}');
    const [welcome] = await stranger.receive();
    assertEquals(JSON.parse(String(welcome)).name, "Vic 2");
    const wrong = ["[]", '{"text":""}', '{"text":{}}', "nonsense", new Uint8Array([1, 2, 3])];
    for (const message of wrong) await stranger.send(message);
    await stranger.send('{"text":"the only line"}');
    await sees(victim, "Vic 2", "the only line");
    assertEquals(await victim.page.getByRole("log").locator("p").count(), NASTY.length + 1);
    const elsewhere = await connect(url, { headers: { Origin: "http://elsewhere.example" } });
    assertEquals(elsewhere[1]?.code, "reply");
    stage.quiet();
  },
);

pageTest("chat_web", "the page finds its way back when the server was away", async (stage) => {
  const viewer = await stage.open("phone", "dark");
  await join(viewer, "Ann");
  await stage.stop();
  await viewer.page.getByText("not connected, trying again").waitFor();
  await stage.look(viewer, "away");
  await stage.start();
  await viewer.page.getByText("only you here").waitFor();
  await say(viewer, "still here");
  await sees(viewer, "Ann", "still here");
});
