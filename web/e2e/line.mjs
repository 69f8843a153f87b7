// The line between the browsers and the server, which the tests cut, mend and make slow.

import { once } from "node:events";
import { createConnection, createServer } from "node:net";

export class Line {
    #sockets = new Set();
    #server;
    #target;
    #bytesPerSecond = Infinity;
    #down = false;
    port = 0;

    /** Listens; what comes is handed on to the port that `leadsTo` names later. */
    static async open() {
        const line = new Line();
        line.#server = createServer((socket) => line.#connect(socket));
        line.#server.listen(0, "127.0.0.1");
        await once(line.#server, "listening");
        line.port = line.#server.address().port;
        return line;
    }

    leadsTo(port) {
        this.#target = port;
    }

    #connect(browser) {
        if (this.#down) {
            browser.destroy();
            return;
        }
        const server = createConnection(this.#target, "127.0.0.1");
        for (const [from, to] of [
            [browser, server],
            [server, browser],
        ]) {
            this.#sockets.add(from);
            from.on("data", (bytes) => this.#pass(from, to, bytes));
            from.on("end", () => to.end());
            from.on("error", () => to.destroy());
            from.on("close", () => {
                this.#sockets.delete(from);
                to.destroy();
            });
        }
    }

    #pass(from, to, bytes) {
        const held = (bytes.length / this.#bytesPerSecond) * 1000;
        const full = !to.write(bytes);
        if (!full && held < 1) return;
        from.pause();
        setTimeout(
            () => (full && to.writableNeedDrain ? to.once("drain", () => from.resume()) : from.resume()),
            held,
        );
    }

    /** Every connection passes so many bytes a second at most. */
    slow(bytesPerSecond) {
        this.#bytesPerSecond = bytesPerSecond;
    }

    /** Breaks every connection off, in the middle of whatever it carries. */
    cut() {
        for (const socket of this.#sockets) socket.resetAndDestroy();
    }

    /** Breaks everything off, and lets nothing through until `mend`. */
    down() {
        this.#down = true;
        this.cut();
    }

    mend() {
        this.#down = false;
    }

    close() {
        this.cut();
        this.#server.close();
    }
}
