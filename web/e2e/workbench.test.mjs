// The component workbench: every part and card, in all its states, light and dark, both ways that writing runs, with large text.

import assert from "node:assert/strict";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "vite";
import { Window, openBrowser } from "./windows.mjs";

const folder = mkdtempSync(join(tmpdir(), "wardline-workbench-"));
const types = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
};
let served;
let browser;
let window;

before(async () => {
    await build({
        configFile: new URL("../workbench/vite.config.ts", import.meta.url).pathname,
        logLevel: "error",
        build: { outDir: folder },
    });
    served = createServer((request, response) => {
        const { pathname } = new URL(request.url, "http://workbench");
        const file = join(folder, pathname === "/" ? "index.html" : pathname);
        response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
        createReadStream(file)
            .on("error", () => response.writeHead(404).end())
            .pipe(response);
    });
    await new Promise((resolve) => served.listen(0, "127.0.0.1", resolve));
    browser = await openBrowser();
    window = await Window.open(browser, "about:blank", { viewport: { width: 820, height: 1180 } });
});
after(async () => {
    await browser?.close();
    served?.closeAllConnections();
    served?.close();
    rmSync(folder, { recursive: true, force: true });
});

/** Opens the workbench, dressed as `how` says. */
async function open(how) {
    const asked = new URLSearchParams(how);
    await window.page.goto(`http://127.0.0.1:${served.address().port}/?${asked}`);
    await window.page.getByRole("heading", { name: "Workbench" }).waitFor();
}

/** What stands out of the screen, and in which story. */
function outside(page) {
    return page.evaluate(() =>
        [...document.querySelectorAll("[data-story]")].flatMap((story) =>
            [...story.querySelectorAll(".workbench__stage *")]
                .filter((element) => {
                    const { left, right, width } = element.getBoundingClientRect();
                    const shown = element.checkVisibility() && !element.closest(".visually-hidden, svg");
                    return shown && width > 1 && (right > innerWidth + 1 || left < -1);
                })
                .map((element) => `${story.dataset.story}: ${element.tagName}.${element.className}`),
        ),
    );
}

const looks = [
    { theme: "light" },
    { theme: "dark" },
    { theme: "light", dir: "rtl" },
    { theme: "dark", text: "200", targets: "large" },
    { theme: "light", text: "200", dir: "rtl" },
];

for (const how of looks) {
    const name = Object.values(how).join("-");
    test(`every part and card: ${name}`, async () => {
        await open(how);
        const { page } = window;
        for (const width of [360, 820]) {
            await page.setViewportSize({ width, height: 1180 });
            assert.deepEqual(await outside(page), [], `${name}, ${width}`);
            await window.check(`the workbench, ${name}, ${width}`);
        }
        // Each shows something, and none broke.
        const empty = await page.evaluate(() =>
            [...document.querySelectorAll("[data-story]")]
                .filter(
                    (story) => story.querySelector(".workbench__stage").getBoundingClientRect().height < 30,
                )
                .map((story) => story.dataset.story),
        );
        assert.deepEqual(empty, []);
        assert.equal(await page.getByText("Something went wrong").count(), 0);
        await page.setViewportSize({
            width: 820,
            height: await page.evaluate(() => document.body.scrollHeight),
        });
        await window.screenshot(`300-workbench-${name}`);
        assert.deepEqual(window.problems, []);
    });
}

test("what covers the screen, one by one", async () => {
    await open({});
    const names = await window.page.getByRole("navigation").getByRole("link").allTextContents();
    assert.ok(names.length >= 5);
    for (const story of names)
        for (const [n, how] of looks.entries()) {
            await window.page.setViewportSize({ width: n % 2 === 0 ? 360 : 820, height: 800 });
            await open({ story, ...how });
            const cover = window.page.locator("dialog[open]");
            await cover.waitFor().catch(() => assert.fail(`${story} covers the screen`));
            const { right, left, wide } = await cover.evaluate((dialog) => {
                const box = dialog.getBoundingClientRect();
                return {
                    left: box.left,
                    right: innerWidth - box.right,
                    wide: dialog.scrollWidth - dialog.clientWidth,
                };
            });
            assert.ok(left >= -1 && right >= -1 && wide <= 0, `${story} fits`);
            await window.check(`${story}, ${Object.values(how).join("-")}`);
        }
    assert.deepEqual(window.problems, []);
});
