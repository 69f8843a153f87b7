import { afterEach, describe, expect, it, vi } from "vitest";
import { TokenHolder, type Tokens } from "./tokens.ts";

type Handler = (url: string, token: string | null) => Response;

function serve(handler: Handler): string[] {
    const seen: string[] = [];
    vi.stubGlobal("fetch", async (input: string, init?: RequestInit) => {
        const token = new Headers(init?.headers).get("Authorization");
        seen.push(`${input} ${token ?? "-"}`);
        return handler(input, token);
    });
    return seen;
}

const unknown = (soft: boolean): Response =>
    Response.json({ errcode: "M_UNKNOWN_TOKEN", soft_logout: soft }, { status: 401 });

const unknownToFhir = (soft: boolean): Response => {
    const codes = ["M_UNKNOWN_TOKEN", ...(soft ? ["soft_logout"] : [])];
    const issue = [
        { severity: "error", code: "login", details: { coding: codes.map((code) => ({ code })) } },
    ];
    return Response.json({ resourceType: "OperationOutcome", issue }, { status: 401 });
};

function holder(tokens: Tokens): { holder: TokenHolder; renewed: Tokens[]; lost: boolean[] } {
    const renewed: Tokens[] = [];
    const lost: boolean[] = [];
    const made = new TokenHolder(
        tokens,
        { tokenEndpoint: "/oauth/token", clientId: "app" },
        async (next) => void renewed.push(next),
        (soft) => void lost.push(soft),
    );
    return { holder: made, renewed, lost };
}

afterEach(() => vi.unstubAllGlobals());

describe("the session's token", () => {
    it("is renewed too when the clinical service refuses it", async () => {
        serve((url, token) => {
            if (url.endsWith("/token")) return Response.json({ access_token: "new", refresh_token: "r2" });
            return token === "Bearer new" ? Response.json({}) : unknownToFhir(true);
        });
        const { holder: tokens, renewed } = holder({ accessToken: "old", refreshToken: "r1" });
        expect((await tokens.authorised("/fhir/R4/Task")).status).toBe(200);
        expect(renewed).toHaveLength(1);
    });

    it("is renewed once for all requests that found it expired, which then go through", async () => {
        const seen = serve((url, token) => {
            if (url.endsWith("/token")) return Response.json({ access_token: "new", refresh_token: "r2" });
            return token === "Bearer new" ? Response.json({}) : unknown(true);
        });
        const { holder: tokens, renewed } = holder({ accessToken: "old", refreshToken: "r1" });
        const answers = await Promise.all([tokens.authorised("/a"), tokens.authorised("/b")]);
        expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
        expect(seen.filter((line) => line.includes("/token"))).toHaveLength(1);
        expect(renewed).toMatchObject([{ accessToken: "new", refreshToken: "r2" }]);
    });

    it("tells when the server ends the session, and whether the device may come back", async () => {
        serve((url) =>
            url.endsWith("/token")
                ? Response.json({ error: "invalid_grant" }, { status: 400 })
                : unknown(true),
        );
        const refused = holder({ accessToken: "old", refreshToken: "r1" });
        expect((await refused.holder.authorised("/a")).status).toBe(401);
        expect(refused.lost).toEqual([true]);
        serve(() => unknown(false));
        const hard = holder({ accessToken: "old", refreshToken: "r1" });
        await hard.holder.authorised("/a");
        expect(hard.lost).toEqual([false]);
        serve(() => unknown(true));
        const soft = holder({ accessToken: "old" });
        await soft.holder.authorised("/a");
        expect(soft.lost).toEqual([true]);
    });

    it("keeps the session when the renewal fails for want of a server", async () => {
        serve((url) => (url.endsWith("/token") ? new Response("", { status: 502 }) : unknown(true)));
        const { holder: tokens, lost } = holder({ accessToken: "old", refreshToken: "r1" });
        await tokens.authorised("/a");
        expect(lost).toEqual([]);
    });

    it("is renewed before it ends, and never sent with a request that did not ask for it", async () => {
        const seen = serve((url) =>
            url.endsWith("/token")
                ? Response.json({ access_token: "new", expires_in: 300 })
                : Response.json({}),
        );
        const { holder: tokens } = holder({
            accessToken: "old",
            refreshToken: "r1",
            expiresAt: Date.now() + 1_000,
        });
        await tokens.authorised("/a");
        await tokens.fetch("/open");
        expect(seen).toEqual(["/oauth/token -", "/a Bearer new", "/open -"]);
    });
});
