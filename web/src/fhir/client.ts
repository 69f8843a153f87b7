import * as v from "valibot";
import type { TokenHolder } from "../matrix/tokens.ts";
import { EXTENSION } from "./schema.ts";

/** A refusal or failure of the clinical service, in the words of its OperationOutcome where it gave one. */
export class FhirError extends Error {
    constructor(
        readonly status: number,
        message: string,
        /** The element that it is about, as a path. */
        readonly expression?: string,
        /** Why, in the codes of `docs/protocol/refusals.md`, and what it speaks of. */
        readonly refusal: Refusal = {},
    ) {
        super(message);
        this.name = "FhirError";
    }
}

/** Why the clinical service refused: its code, and the instant, person or state that the refusal speaks of. */
export interface Refusal {
    code?: string | undefined;
    at?: number | undefined;
    person?: string | undefined;
    state?: string | undefined;
}

/** The value of an operation's parameter under its FHIR type; a plain text is a `valueString`. */
export type ParameterValue =
    | string
    | { valueInstant: string }
    | { valueTime: string }
    | { valueDate: string }
    | { valueCode: string }
    | { valueInteger: number }
    | { valueReference: { reference: string } };

const OutcomeSchema = v.object({
    issue: v.array(
        v.object({
            diagnostics: v.optional(v.string()),
            expression: v.optional(v.array(v.string())),
            details: v.optional(
                v.object({
                    text: v.optional(v.string()),
                    coding: v.optional(
                        v.array(v.object({ system: v.optional(v.string()), code: v.string() })),
                        [],
                    ),
                }),
            ),
            extension: v.optional(
                v.array(
                    v.object({
                        url: v.string(),
                        valueInstant: v.optional(v.string()),
                        valueCode: v.optional(v.string()),
                        valueReference: v.optional(v.object({ reference: v.string() })),
                    }),
                ),
                [],
            ),
        }),
    ),
});

const BundleSchema = v.object({
    entry: v.optional(v.array(v.object({ resource: v.optional(v.unknown()) })), []),
    link: v.optional(v.array(v.object({ relation: v.string(), url: v.string() })), []),
});

/** Most resources read in one search; a hospital's ward lists and roles fit many times over. */
const MAX_PAGES = 20;

/** Longer than any answer takes: then the connection is dead, and trying again is better. */
const TIMEOUT_MS = 30_000;

/** A thin FHIR R4 client: JSON in, JSON out, same-origin, the session's token. Callers parse what they read. */
export class FhirClient {
    constructor(
        private readonly tokens: TokenHolder,
        private readonly base = "/fhir/R4",
    ) {}

    /** Every resource of a type that this person may see; follows pages. */
    async search(type: string, parameters: Record<string, string> = {}): Promise<unknown[]> {
        const query = new URLSearchParams({ _count: "500", ...parameters });
        let url: string | undefined = `${this.base}/${type}?${query}`;
        const resources: unknown[] = [];
        for (let page = 0; url !== undefined && page < MAX_PAGES; page++) {
            const bundle: v.InferOutput<typeof BundleSchema> = v.parse(
                BundleSchema,
                await this.send(url, {}),
            );
            for (const { resource } of bundle.entry) if (resource !== undefined) resources.push(resource);
            url = sameOrigin(bundle.link.find((link) => link.relation === "next")?.url);
        }
        return resources;
    }

    /** One resource, or what a reading operation on it answers. `path` comes behind the base address. */
    get(path: string, parameters: Record<string, string> = {}, signal?: AbortSignal): Promise<unknown> {
        const query = new URLSearchParams(parameters).toString();
        return this.send(`${this.base}/${path}${query && `?${query}`}`, signal ? { signal } : {});
    }

    /** Creates or replaces a resource whose id we chose: safe to repeat. */
    put(type: string, id: string, resource: Record<string, unknown>): Promise<unknown> {
        return this.send(`${this.base}/${type}/${encodeURIComponent(id)}`, {
            method: "PUT",
            body: JSON.stringify(resource),
        });
    }

    /** Removes a resource. */
    remove(type: string, id: string): Promise<unknown> {
        return this.send(`${this.base}/${type}/${encodeURIComponent(id)}`, { method: "DELETE" });
    }

    /** Runs an operation on a resource, or on its type where `id` is undefined. */
    operation(
        type: string,
        id: string | undefined,
        name: string,
        parameters: Record<string, ParameterValue | readonly ParameterValue[]> = {},
    ): Promise<unknown> {
        // What has several values is one parameter for each.
        const parameter = Object.entries(parameters).flatMap(([key, values]) =>
            [values].flat().map((value: ParameterValue) => ({
                name: key,
                ...(typeof value === "string" ? { valueString: value } : value),
            })),
        );
        const body = { resourceType: "Parameters", ...(parameter.length > 0 && { parameter }) };
        const place = id === undefined ? type : `${type}/${encodeURIComponent(id)}`;
        return this.send(`${this.base}/${place}/$${name}`, {
            method: "POST",
            body: JSON.stringify(body),
        });
    }

    /** Runs the operation at `path`, with FHIR parameters of any type. */
    ask(path: string, parameter: readonly Record<string, unknown>[]): Promise<unknown> {
        return this.send(`${this.base}/${path}`, {
            method: "POST",
            body: JSON.stringify({ resourceType: "Parameters", parameter }),
        });
    }

    /** A file. */
    async download(path: string): Promise<Blob> {
        const response = await this.request(`${this.base}/${path}`, {});
        if (!response.ok) throw new FhirError(response.status, response.statusText);
        return response.blob();
    }

    private request(url: string, init: RequestInit): Promise<Response> {
        const headers: Record<string, string> = { Accept: "application/fhir+json" };
        if (init.body) headers["Content-Type"] = "application/fhir+json";
        const timeout = AbortSignal.timeout(TIMEOUT_MS);
        const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
        return this.tokens.authorised(url, { ...init, headers, signal });
    }

    private async send(url: string, init: RequestInit): Promise<unknown> {
        const response = await this.request(url, init);
        const body: unknown = await response.json().catch(() => undefined);
        if (response.ok) return body;
        const outcome = v.safeParse(OutcomeSchema, body);
        const issue = outcome.success ? outcome.output.issue[0] : undefined;
        throw new FhirError(
            response.status,
            issue?.details?.text ?? issue?.diagnostics ?? response.statusText,
            issue?.expression?.[0],
            issue && refusalOf(issue),
        );
    }
}

/** The code system of refusals. */
const REFUSAL = "https://wardline.org/fhir/CodeSystem/refusal";

function refusalOf(issue: v.InferOutput<typeof OutcomeSchema>["issue"][number]): Refusal {
    const about = (name: string) => issue.extension.find((one) => one.url === EXTENSION + name);
    const at = Date.parse(about("refusal-at")?.valueInstant ?? "");
    return {
        code: issue.details?.coding.find((one) => one.system === REFUSAL)?.code,
        at: Number.isNaN(at) ? undefined : at,
        person: about("refusal-person")?.valueReference?.reference.replace(/^Practitioner\//, ""),
        state: about("refusal-state")?.valueCode,
    };
}

/** Pages are followed only on our own address, whatever a link says. */
function sameOrigin(url: string | undefined): string | undefined {
    if (url === undefined) return undefined;
    const parsed = new URL(url, location.origin);
    return parsed.pathname + parsed.search;
}
