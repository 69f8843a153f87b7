import { describe, expect, it } from "vitest";
import * as v from "valibot";
import {
    arranged,
    askedBy,
    asksOf,
    moved,
    newPlaybook,
    PlaybookSchema,
    readWait,
    simpleCase,
    toggled,
    withAsks,
    withCase,
} from "./model.ts";

const playbook = v.parse(PlaybookSchema, {
    id: "deteriorating",
    title: "Deteriorating patient",
    classes: ["urgent"],
    when: { wards: ["seven"] },
    steps: [
        { ask: { addressed: true }, wait: "5m", repeat: 1 },
        { ask: [{ role: "surgical-registrar" }, { team: "outreach" }], wait: "10m", closes: "step" },
        { ask: { role: "site-manager" }, wait: "5m", must_act: true },
    ],
});

describe("a playbook in its editor", () => {
    it("keeps what the editor does not know", () => {
        expect(arranged(playbook)).toEqual(playbook);
        expect(playbook["when"]).toEqual({ wards: ["seven"] });
    });

    it("makes the last step the one that must act, wherever steps are moved", () => {
        const changed = moved(playbook, 2, 1);
        expect(changed.steps.map((step) => step.must_act)).toEqual([undefined, undefined, true]);
        expect(asksOf(changed.steps[2] ?? { ask: [], wait: "" })).toHaveLength(2);
        expect(newPlaybook().steps.at(-1)?.must_act).toBe(true);
    });

    it("writes one who is asked alone and several as a list", () => {
        const [first, second] = playbook.steps;
        if (!first || !second) throw new Error("no steps");
        expect(withAsks(second, [{ role: "a" }]).ask).toEqual({ role: "a" });
        expect(withAsks(first, [{ role: "a" }, { person: "b" }]).ask).toHaveLength(2);
        expect(askedBy({ on_duty: "ward" })).toEqual({ kind: "on_duty", id: "ward" });
        expect(askedBy({ addressed: true })).toBeUndefined();
    });

    it("reads waits of one unit and leaves others alone", () => {
        expect(readWait("90s")).toEqual({ count: 90, unit: "s" });
        expect(readWait("1h30m")).toBeUndefined();
        expect(readWait("soon")).toBeUndefined();
    });

    it("edits a simple condition, and none that it would spoil", () => {
        const step = { ask: { role: "a" }, wait: "5m" };
        expect(simpleCase(step)).toEqual({});
        const night = withCase(step, { hours: ["20:00-08:00"], days: [] });
        expect(night.when).toEqual({ hours: ["20:00-08:00"] });
        expect(simpleCase(night)).toEqual({ hours: ["20:00-08:00"] });
        expect(withCase(night, {})).toEqual(step);
        expect(
            simpleCase({ ...step, when: [{ days: ["weekend"] }, { hours: ["20:00-08:00"] }] }),
        ).toBeUndefined();
        expect(simpleCase({ ...step, when: { sites: ["north"] } })).toBeUndefined();
    });

    it("keeps classes in their order", () => {
        expect(toggled(["action"], "urgent", true)).toEqual(["urgent", "action"]);
        expect(toggled(["urgent", "action"], "urgent", false)).toEqual(["action"]);
    });
});
