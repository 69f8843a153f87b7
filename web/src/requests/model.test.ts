import { describe, expect, it } from "vitest";
import { EXTENSION, readAll, REQUEST_CLASS, REQUEST_STATE, TaskSchema } from "../fhir/schema.ts";
import type { RequestState } from "../matrix/events.ts";
import {
    actionsFor,
    byUrgency,
    clockDifference,
    countdown,
    furtherActions,
    isMineToDo,
    isOpen,
    requestFromTask,
    taskFor,
    withEvent,
    type Request,
} from "./model.ts";
import { chainLine, nextStepLine, stateLine } from "./sentences.ts";

const person = (id: string) => ({ reference: `Practitioner/${id}` });

function task(
    state: RequestState,
    more: { holder?: string; accepted?: string; chain?: [RequestState, string?][] } = {},
) {
    return {
        resourceType: "Task",
        id: "r1",
        businessStatus: { coding: [{ system: REQUEST_STATE, code: state }] },
        code: { coding: [{ system: REQUEST_CLASS, code: "urgent" }] },
        for: { reference: "Patient/p1" },
        owner: { reference: "HealthcareService/med", display: "Medical registrar" },
        requester: person("nurse"),
        authoredOn: "2026-11-22T14:00:00Z",
        restriction: { period: { end: "2026-11-22T14:05:00Z" } },
        extension: [
            { url: `${EXTENSION}request-room`, valueString: "!room" },
            { url: `${EXTENSION}request-next-step-at`, valueInstant: "2026-11-22T14:05:00Z" },
            { url: `${EXTENSION}request-next-step`, valueString: "Surgical registrar" },
            ...(more.holder
                ? [{ url: `${EXTENSION}request-holder`, valueReference: person(more.holder) }]
                : []),
            ...(more.accepted
                ? [{ url: `${EXTENSION}request-accepted-by`, valueReference: person(more.accepted) }]
                : []),
            ...(more.chain ?? []).map(([code, actor], index) => ({
                url: `${EXTENSION}request-transition`,
                extension: [
                    { url: "state", valueCode: code },
                    { url: "at", valueInstant: new Date(Date.UTC(2026, 10, 22, 14, index)).toISOString() },
                    { url: "step", valueInteger: 0 },
                    ...(actor ? [{ url: "actor", valueReference: person(actor) }] : []),
                ],
            })),
        ],
    };
}

function read(resource: unknown): Request {
    const parsed = readAll(TaskSchema, [resource])[0];
    const request = parsed && requestFromTask(parsed);
    if (!request) throw new Error("not a request");
    return request;
}

describe("reading a request", () => {
    it("takes everything the screens need out of the Task", () => {
        const request = read(
            task("seen", {
                holder: "reg",
                chain: [
                    ["seen", "reg"],
                    ["raised", "nurse"],
                ],
            }),
        );
        expect(request).toMatchObject({
            class: "urgent",
            state: "seen",
            patientRef: "p1",
            requesterId: "nurse",
            roomId: "!room",
            holderId: "reg",
            nextStep: "Surgical registrar",
            addressed: { kind: "role", id: "med" },
        });
        expect(request.neededBy).toBe(Date.UTC(2026, 10, 22, 14, 5));
        expect(request.chain.map((one) => one.state)).toEqual(["seen", "raised"]);
    });

    it("leaves out what is not a request of ours, or not a Task at all", () => {
        expect(readAll(TaskSchema, [{ resourceType: "Patient", id: "x" }, null, 4])).toEqual([]);
        const other = readAll(TaskSchema, [{ resourceType: "Task", id: "x", extension: [] }])[0];
        expect(other && requestFromTask(other)).toBeUndefined();
    });
});

describe("what one can do", () => {
    it("offers answers to the one asked, and cancelling to the one who asked", () => {
        const request = read(task("delivered", { holder: "reg" }));
        expect(actionsFor(request, "reg")).toEqual(["accept", "on-my-way", "decline", "complete"]);
        expect(actionsFor(request, "nurse")).toEqual(["cancel"]);
        expect(actionsFor(request, "stranger")).toEqual([]);
    });

    it("lets somebody asked earlier still accept, unless they declined", () => {
        expect(isMineToDo(read(task("raised", { holder: "surg", chain: [["seen", "reg"]] })), "reg")).toBe(
            true,
        );
        const declined = read(
            task("raised", {
                holder: "surg",
                chain: [
                    ["seen", "reg"],
                    ["declined", "reg"],
                ],
            }),
        );
        expect(isMineToDo(declined, "reg")).toBe(false);
    });

    it("leaves an accepted request to the one who accepted", () => {
        const request = read(task("accepted", { holder: "reg", accepted: "reg", chain: [["seen", "surg"]] }));
        expect(actionsFor(request, "reg")).toEqual(["on-my-way", "complete", "decline"]);
        expect(isMineToDo(request, "surg")).toBe(false);
    });

    it("never treats a failed request as over", () => {
        expect(isOpen(read(task("failed")))).toBe(true);
        expect(isOpen(read(task("completed")))).toBe(false);
        expect(actionsFor(read(task("completed", { accepted: "reg" })), "reg")).toEqual([]);
    });
});

describe("what else one can do", () => {
    it("lets whoever accepted pass it on or let somebody else do it, and whoever raised it pass it on", () => {
        const taken = read(task("accepted", { holder: "reg", accepted: "reg" }));
        expect(furtherActions(taken, "reg")).toEqual(["comment", "reassign", "delegate"]);
        expect(furtherActions(taken, "nurse")).toEqual(["comment", "reassign"]);
        expect(furtherActions(taken, "stranger")).toEqual([]);
    });

    it("lets whoever delegated it have it back, which is nothing that they must do", () => {
        const chain: [RequestState, string?][] = [["seen", "reg"]];
        const request = { ...read(task("raised", { holder: "sho", chain })), delegatedById: "reg" };
        expect(actionsFor(request, "reg")).toEqual(["accept"]);
        expect(isMineToDo(request, "reg")).toBe(false);
        expect(isMineToDo(request, "sho")).toBe(true);
    });

    it("lets only whoever raised it open it again", () => {
        const done = read(task("completed", { accepted: "reg" }));
        expect(furtherActions(done, "nurse")).toEqual(["comment", "reopen"]);
        expect(furtherActions(done, "reg")).toEqual(["comment"]);
    });

    it("asks whoever holds the role now, and no longer whoever handed it over", () => {
        const asks = (id: string): { url: string; valueReference: { reference: string } } => ({
            url: "asks",
            valueReference: person(id),
        });
        const step = (at: number, ...more: unknown[]): unknown => ({
            url: `${EXTENSION}request-transition`,
            extension: [
                { url: "state", valueCode: "raised" },
                { url: "at", valueInstant: new Date(at).toISOString() },
                { url: "step", valueInteger: 0 },
                ...more,
            ],
        });
        const made = task("raised", { holder: "daniel" });
        const chain = [
            step(1, asks("priya")),
            step(2, asks("daniel"), { url: "reason", valueString: "the role was handed over" }),
        ];
        const request = read({ ...made, extension: [...made.extension, ...chain] });
        expect(isMineToDo(request, "daniel")).toBe(true);
        expect(isMineToDo(request, "priya")).toBe(false);
    });

    it("tells how far the clock of this device is off, by the newest thing done on it", () => {
        const request = read(task("seen"));
        const at = { state: "seen" as const, step: 0, device: "PHONE" };
        const early = { ...at, at: 1_000, deviceAt: 9_000 };
        const late = { ...at, at: 20_000 };
        expect(clockDifference([{ ...request, chain: [early] }], "PHONE")).toBe(8_000);
        expect(clockDifference([{ ...request, chain: [early, late] }], "PHONE")).toBeUndefined();
        expect(clockDifference([{ ...request, chain: [early] }], "OTHER")).toBeUndefined();
    });
});

describe("words and clocks", () => {
    const name = (party?: { id: string; display?: string | undefined }) =>
        party?.display ?? party?.id ?? "somebody";

    it("says where it stands and what comes next", () => {
        const request = read(task("seen", { holder: "reg" }));
        expect(stateLine(request, name)).toBe("Seen by reg");
        expect(nextStepLine(request, Date.parse("2026-11-22T14:01:00Z"))).toMatch(
            /^If nobody accepts by \d\d:\d\d: ask Surgical registrar$/,
        );
        expect(stateLine(read(task("accepted", { accepted: "surg" })), name)).toBe("Accepted by surg");
    });

    it("tells the chain in sentences", () => {
        const at = { at: 0, step: 1 };
        const nurse = { kind: "person" as const, id: "nurse" };
        expect(chainLine({ ...at, state: "raised", step: 0, actor: nurse }, true, name)).toBe(
            "Raised by nurse",
        );
        expect(chainLine({ ...at, state: "raised", reason: "no answer" }, false, name)).toBe(
            "Next in line asked (step 2) (no answer)",
        );
        expect(
            chainLine({ ...at, state: "raised", reason: "nobody holds this role" }, false, name),
        ).toContain("nobody holds the role");
        expect(chainLine({ ...at, state: "declined", actor: nurse, reason: "in theatre" }, false, name)).toBe(
            "Declined by nurse (in theatre)",
        );
    });

    it("tells of comments, of what was passed on, delegated, returned and handed over", () => {
        const at = { at: 0, step: 0, state: "raised" as const };
        const reg = { kind: "person" as const, id: "reg" };
        const sho = { kind: "person" as const, id: "sho" };
        const line = (more: object) => chainLine({ ...at, ...more }, false, name);
        expect(line({ state: "accepted", actor: reg, comment: "in theatre" })).toBe("reg: “in theatre”");
        expect(line({ actor: reg, asks: sho, reason: "passed on" })).toBe("Passed on by reg to sho");
        expect(line({ actor: reg, asks: sho, reason: "delegated" })).toBe("Delegated by reg to sho");
        const returned = { state: "accepted", asks: reg, reason: "returned to who delegated it" };
        expect(line(returned)).toBe("Not taken up: it is reg's again");
        expect(line({ asks: sho, reason: "the role was handed over" })).toBe(
            "The role was handed over to sho",
        );
        expect(line({ actor: reg, reason: "reopened" })).toBe("Opened again by reg");
    });

    it("counts down to the deadline and up after it", () => {
        expect(countdown(100_000, 9_001)).toEqual({ overdue: false, minutes: 1, seconds: 31 });
        expect(countdown(100_000, 100_000)).toEqual({ overdue: true, minutes: 0, seconds: 0 });
        expect(countdown(100_000, 225_000)).toEqual({ overdue: true, minutes: 2, seconds: 5 });
    });

    it("puts urgent first, then what is needed soonest", () => {
        const urgent = read(task("raised"));
        const action = { ...urgent, class: "action" as const, neededBy: 1 };
        const later = { ...urgent, neededBy: (urgent.neededBy ?? 0) + 1 };
        expect([action, later, urgent].toSorted(byUrgency)).toEqual([urgent, later, action]);
    });
});

describe("raising a request", () => {
    it("makes a Task without a word of the message, and adds the event when it is sent", () => {
        const made = taskFor({
            id: "r1",
            class: "urgent",
            to: { kind: "role", id: "med", display: "Medical registrar" },
            patientRef: "p1",
            roomId: "!room",
            requesterId: "nurse",
            now: 0,
            neededBy: 300_000,
        });
        const request = read(withEvent(made, "$event"));
        expect(request).toMatchObject({
            id: "r1",
            state: "raised",
            roomId: "!room",
            eventId: "$event",
            neededBy: 300_000,
        });
        expect(JSON.stringify(made)).not.toContain("display");
    });

    it("addresses a ward by where the task is to be done, for no place owns a Task", () => {
        const to = { kind: "ward" as const, id: "ash", display: "Ash ward" };
        const made = taskFor({
            id: "r1",
            class: "action",
            to,
            patientRef: "p1",
            roomId: "!room",
            requesterId: "nurse",
            now: 0,
            neededBy: 300_000,
        });
        expect(made).toMatchObject({ location: { reference: "Location/ash" } });
        expect(made).not.toHaveProperty("owner");
        expect(read(made)?.addressed).toMatchObject({ kind: "ward", id: "ash" });
    });
});
