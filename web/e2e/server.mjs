// The real binary with the demo hospital, in a folder of its own, that can be killed and started again.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Line } from "./line.mjs";
import { artefacts, root } from "./places.mjs";

const binary = process.env["WARDLINE_BIN"] ?? join(root, "target/debug/wardline");

/** A port that nobody listens on. */
async function freePort() {
    const probe = createServer();
    await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
}

export class Server {
    #process;
    #named;
    #lined;
    #address = "127.0.0.1:0";
    #logFile;
    #log;
    /** The line to it, where it is `lined`. */
    line;
    data = mkdtempSync(join(tmpdir(), "wardline-e2e-"));
    url = "";

    /**
     * With `named` it is reached by a name, as passkeys need it, and not by its network address; with `lined` over a line that
     * tests can cut.
     */
    constructor(name = "wardline", { named = false, lined = false } = {}) {
        this.#named = named || lined;
        this.#lined = lined;
        this.#logFile = join(artefacts, `${name}.log`);
        this.#log = createWriteStream(this.#logFile);
    }

    /** Starts the demo hospital; a second start is at the same address. With `at` (an instant) its clock shows that time then. */
    async start({ at } = {}) {
        const more = at === undefined ? [] : ["--at", at];
        if (this.#named) {
            if (this.#address.endsWith(":0")) this.#address = `127.0.0.1:${await freePort()}`;
            const port = this.#address.split(":")[1];
            if (this.#lined) {
                this.line ??= await Line.open();
                this.line.leadsTo(Number(port));
            }
            this.url = `http://localhost:${this.line?.port ?? port}`;
            more.push("--public-url", this.url);
        }
        await this.#run(["demo", "--data", this.data, "--listen", this.#address, ...more]);
    }

    /** Where it listens, once it was started. */
    get address() {
        return this.#address;
    }

    /** A port that nobody listens on, for something beside it. */
    freePort() {
        return freePort();
    }

    /** Starts a server by its configuration file. */
    async serve(config, address) {
        await this.#run(["serve", "--config", config, "--listen", address]);
    }

    async #run(command) {
        const running = spawn(binary, command);
        this.#process = running;
        running.stderr.pipe(this.#log, { end: false });
        for await (const line of createInterface({ input: running.stdout })) {
            const url = /ready at (http:\S+)/.exec(line)?.[1];
            if (url === undefined) continue;
            running.stdout.resume();
            if (!this.#named) this.url = url;
            this.#address = new URL(url).host;
            return;
        }
        assert.fail(`wardline ended before it was ready; see ${this.#logFile}`);
    }

    /** SIGKILL: no chance to finish anything. */
    async kill() {
        await this.#end("SIGKILL");
    }

    async stop() {
        await this.#end("SIGTERM");
    }

    async #end(signal) {
        if (this.#process.exitCode !== null) return;
        const ended = new Promise((resolve) => this.#process.once("exit", resolve));
        this.#process.kill(signal);
        await ended;
    }

    /** Takes a file in, while the server is stopped. */
    import(file) {
        execFileSync(binary, ["import", "--data", this.data, "--server-name", "riverside.example", file], {
            stdio: "inherit",
        });
    }

    verifyAudit(folder = ".") {
        execFileSync(binary, ["audit", "verify", "--data", join(this.data, folder)], { stdio: "inherit" });
    }

    /** Where any of `words` stands in clear in what the server keeps or logs. */
    findInClear(words) {
        const files = readdirSync(this.data, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
        assert.ok(
            files.some((file) => file.endsWith("wardline.db")),
            "there is a database to look into",
        );
        return [...files, this.#logFile].flatMap((file) => {
            const content = readFileSync(file);
            return words.filter((word) => content.includes(word)).map((word) => `${word} in ${file}`);
        });
    }

    remove() {
        this.line?.close();
        this.#log.end();
        rmSync(this.data, { recursive: true, force: true });
    }
}
