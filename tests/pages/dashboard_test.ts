/** The dashboard's page: figures arrive, charts are drawn, the past is read by keyboard. */
import { assert, assertEquals } from "@std/assert";
import { pageTest, type Viewer } from "./browser.ts";

/** What a card shows below its title. */
function figure({ page }: Viewer, title: string): Promise<string | null> {
  return page.locator("article", { hasText: title }).locator(".value").textContent();
}

pageTest(
  "dashboard",
  "plots the machine and this program, on a phone and on a desk",
  async (stage) => {
    const phone = await stage.open("phone", "dark");
    const desk = await stage.open("desktop", "light");
    // The thread of each page is on the list of the other.
    for (const { page } of [phone, desk]) {
      await page.locator("#threads tr", { hasText: "websocket /ws" }).nth(1).waitFor();
      await page.getByText("live", { exact: true }).waitFor();
      assertEquals(await page.locator("#threads td", { hasText: "sampler" }).count(), 1);
      await page.getByText("sockets 2").waitFor();
      // The first look of all is there, and those since.
      const shape = await page.locator("path.blue").nth(1).getAttribute("d");
      assert(shape!.split("L").length > 1, shape!);
    }
    assert(/^\d+ %$/.test(await figure(desk, "Processors") ?? ""));
    assert(/^\d+\.\d\d$/.test(await figure(desk, "Load") ?? ""));
    assert(/^[\d.]+ [MG]iB$/.test(await figure(desk, "Memory in use") ?? ""));
    assert(/^[\d.]+ MiB$/.test(await figure(desk, "Memory of this program") ?? ""));
    for (const [viewer, name] of [[phone, "phone-dark"], [desk, "desktop-light"]] as const) {
      await stage.look(viewer, name);
      await viewer.page.emulateMedia({ colorScheme: name === "phone-dark" ? "light" : "dark" });
      await stage.look(viewer, `${name}-turned`);
    }
    await phone.context.close();
    await desk.page.getByText("sockets 1").waitFor();
    stage.quiet();
  },
);

pageTest("dashboard", "is read and stopped by keyboard, and comes back", async (stage) => {
  const viewer = await stage.open("phone", "light");
  const { page } = viewer;
  await page.locator("#threads tr").first().waitFor();
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate<string>("document.activeElement.id"), "pause");
  await page.keyboard.press("Space");
  await page.getByText(/^paused at \d\d:\d\d:\d\d$/).waitFor();
  await page.keyboard.press("Tab");
  const label = "document.activeElement.getAttribute('aria-label')";
  assert((await page.evaluate<string>(label)).startsWith("Processors: "));
  await page.keyboard.press("ArrowLeft");
  await page.getByText(/^at \d\d:\d\d:\d\d$/).waitFor();
  assertEquals(await page.locator("path.cursor").count(), await page.locator("article").count());
  await stage.look(viewer, "read-phone-light");
  await page.keyboard.press("End");
  await page.getByText(/^paused at/).waitFor();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByText(/^\d\d:\d\d:\d\d$/).waitFor();
  await stage.stop();
  await page.getByText("away", { exact: true }).waitFor();
  await stage.start();
  await page.getByText("live", { exact: true }).waitFor();
});
