// All that stands in a conversation, as somebody who scrolls through it sees it.

/** Goes to the beginning of the open conversation, then through all of it: everything said, oldest first. */
export function everything(window) {
    return window.page.getByRole("log").evaluate(async (log) => {
        const frame = () =>
            new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        // The button and the line that says that more is coming are there as long as there is more.
        const beginning = () =>
            /start of the conversation/.test(log.querySelector(".timeline__start").textContent);
        for (let still = 0; still < 10;) {
            log.scrollTo(0, 0);
            await frame();
            still = beginning() && log.scrollTop === 0 ? still + 1 : 0;
        }
        const said = new Map();
        for (let still = 0, last = -1; still < 5;) {
            await frame();
            const shown = [...log.querySelectorAll(".bubble")].map((bubble) => {
                const words = bubble.querySelector("p.bubble__text")?.textContent ?? bubble.textContent;
                return [bubble.dataset.event ?? words, words];
            });
            // Rows are measured as they come: where that moved the view too far, back to what was read.
            if (said.size > 0 && !shown.some(([id]) => said.has(id))) {
                log.scrollBy(0, log.clientHeight * -0.5);
                continue;
            }
            for (const [id, words] of shown) said.set(id, words);
            still = log.scrollTop === last ? still + 1 : 0;
            last = log.scrollTop;
            log.scrollBy(0, log.clientHeight * 0.8);
        }
        return [...said.values()];
    });
}
