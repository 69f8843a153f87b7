import { describe, expect, it } from "vitest";
import { lifetime, rulesOf } from "./retention.ts";

const DAY = 24 * 3_600_000;

describe("when the server erases", () => {
    it("is never, where it says so", () => {
        expect(rulesOf({ policies: {}, limits: {} })).toBeUndefined();
        expect(rulesOf("nonsense")).toBeUndefined();
    });

    it("is what the room asks for within the limits, else what holds for all", () => {
        const rules = rulesOf({
            policies: { "*": { max_lifetime: 90 * DAY } },
            limits: { max_lifetime: { min: DAY, max: 365 * DAY } },
            "org.wardline.exempt_types": ["org.wardline."],
        });
        if (!rules) throw new Error("rules");
        expect(lifetime(rules, undefined, undefined)).toBe(90 * DAY);
        expect(lifetime(rules, undefined, 30 * DAY)).toBe(30 * DAY);
        expect(lifetime(rules, undefined, 1)).toBe(DAY);
        expect(lifetime(rules, undefined, 1_000 * DAY)).toBe(365 * DAY);
        expect(lifetime(rules, undefined, "soon")).toBe(90 * DAY);
        expect(lifetime(rules, "org.wardline.patient", 30 * DAY)).toBeUndefined();
    });

    it("may be only where a room asks for it", () => {
        const rules = rulesOf({ policies: {}, limits: { max_lifetime: { min: DAY } } });
        if (!rules) throw new Error("rules");
        expect(lifetime(rules, undefined, undefined)).toBeUndefined();
        expect(lifetime(rules, undefined, 5 * DAY)).toBe(5 * DAY);
    });
});
