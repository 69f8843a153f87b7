import { afterEach, describe, expect, it, vi } from "vitest";
import { TokenHolder } from "../matrix/tokens.ts";
import { FhirClient, FhirError } from "./client.ts";
import { EXTENSION } from "./schema.ts";

const calls: { url: string; init: RequestInit | undefined }[] = [];

function client(answer: (url: string) => Response): FhirClient {
    calls.length = 0;
    vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
        calls.push({ url, init });
        return answer(url);
    });
    const tokens = new TokenHolder(
        { accessToken: "token" },
        { tokenEndpoint: "", clientId: "" },
        async () => undefined,
        () => undefined,
    );
    return new FhirClient(tokens);
}

afterEach(() => vi.unstubAllGlobals());

describe("the FHIR client", () => {
    it("follows pages, on our own address only", async () => {
        const fhir = client((url) =>
            Response.json({
                entry: [{ resource: { id: url.includes("page") ? "2" : "1" } }],
                link: url.includes("page")
                    ? []
                    : [{ relation: "next", url: "https://elsewhere.example/fhir/R4/Patient?page=2" }],
            }),
        );
        expect(await fhir.search("Patient")).toEqual([{ id: "1" }, { id: "2" }]);
        expect(calls.map((call) => call.url)).toEqual([
            "/fhir/R4/Patient?_count=500",
            "/fhir/R4/Patient?page=2",
        ]);
        expect(new Headers(calls[0]?.init?.headers).get("Authorization")).toBe("Bearer token");
    });

    it("sends operations as Parameters", async () => {
        const fhir = client(() => Response.json({}));
        await fhir.operation("Task", "r1", "decline", { reason: "in theatre" });
        expect(calls[0]?.url).toBe("/fhir/R4/Task/r1/$decline");
        expect(JSON.parse(calls[0]?.init?.body as string)).toEqual({
            resourceType: "Parameters",
            parameter: [{ name: "reason", valueString: "in theatre" }],
        });
    });

    it("fails in the words of the OperationOutcome", async () => {
        const outcome = {
            resourceType: "OperationOutcome",
            issue: [{ diagnostics: "already accepted by amy" }],
        };
        const fhir = client(() => Response.json(outcome, { status: 409 }));
        const failure: unknown = await fhir
            .operation("Task", "r1", "accept")
            .catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(FhirError);
        expect(failure).toMatchObject({ status: 409, message: "already accepted by amy", refusal: {} });
    });

    it("knows why by the code of the OperationOutcome, whatever its words are", async () => {
        const system = "https://wardline.org/fhir/CodeSystem/refusal";
        const outcome = (code: string, extension: unknown) => ({
            resourceType: "OperationOutcome",
            issue: [
                {
                    details: {
                        text: "words",
                        coding: [
                            { system: "urn:x", code: "y" },
                            { system, code },
                        ],
                    },
                    extension: [extension],
                },
            ],
        });
        const failed = async (body: unknown): Promise<unknown> =>
            client(() => Response.json(body, { status: 400 }))
                .operation("HealthcareService", "r", "take")
                .catch((error: unknown) => (error as FhirError).refusal);
        const overlap = { url: `${EXTENSION}refusal-at`, valueInstant: "2027-04-01T07:00:00Z" };
        expect(await failed(outcome("overlap", overlap))).toEqual({
            code: "overlap",
            at: Date.parse("2027-04-01T07:00:00Z"),
        });
        const amy = { reference: "Practitioner/amy" };
        expect(
            await failed(
                outcome("request-accepted", { url: `${EXTENSION}refusal-person`, valueReference: amy }),
            ),
        ).toEqual({ code: "request-accepted", person: "amy" });
    });
});
