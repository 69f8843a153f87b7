import { describe, expect, it } from "vitest";
import { EXTENSION } from "../fhir/schema.ts";
import { deviceCheckOf, dutyOf, dutyParameters, isCurrent, isQuiet, mayDisturb, nextAt } from "./model.ts";

const shown = [
    {
        url: `${EXTENSION}duty-status`,
        extension: [
            { url: "status", valueCode: "off" },
            { url: "until", valueInstant: "2026-11-22T20:00:00Z" },
            { url: "covered-by", valueReference: { reference: "Practitioner/amy", display: "Dr Amy Reed" } },
            { url: "quiet-from", valueTime: "22:00:00" },
            { url: "quiet-until", valueTime: "07:00:00" },
        ],
    },
    {
        url: `${EXTENSION}device-check`,
        extension: [
            { url: "at", valueInstant: "2026-11-22T08:00:00Z" },
            { url: "failed", valueCode: "sound" },
            { url: "failed", valueCode: "notifications" },
        ],
    },
];

describe("on duty or off", () => {
    it("reads what a Practitioner shows, and takes silence for on duty", () => {
        expect(dutyOf(shown)).toEqual({
            state: "off",
            until: Date.UTC(2026, 10, 22, 20),
            cover: { id: "amy", name: "Dr Amy Reed" },
            quiet: { from: "22:00", until: "07:00" },
        });
        expect(dutyOf([])).toEqual({ state: "on" });
    });

    it("asks the service for what was chosen; cover is only for who is off", () => {
        const wish = { cover: "HealthcareService/med", quiet: { from: "22:00", until: "07:00" } };
        expect(Object.keys(dutyParameters({ state: "off", until: 0, ...wish }))).toEqual([
            "status",
            "until",
            "covered-by",
            "quiet-from",
            "quiet-until",
        ]);
        expect(dutyParameters({ state: "busy", cover: "Practitioner/amy" })).toEqual({
            status: { valueCode: "busy" },
        });
    });

    it("knows hours that go over midnight, and the next time that clocks show", () => {
        const night = { from: "22:00", until: "07:00" };
        expect(["21:59", "22:00", "03:00", "07:00"].map((now) => isQuiet(night, now))).toEqual([
            false,
            true,
            true,
            false,
        ]);
        expect(isQuiet({ from: "12:00", until: "13:00" }, "12:30")).toBe(true);
        const noon = new Date(2026, 10, 22, 12).getTime();
        expect(nextAt("08:00", noon)).toBe(new Date(2026, 10, 23, 8).getTime());
        expect(nextAt("20:00", noon)).toBe(new Date(2026, 10, 22, 20).getTime());
    });

    it("reads the test of a device, which counts for one shift", () => {
        const check = deviceCheckOf(shown);
        expect(check).toEqual({ at: Date.UTC(2026, 10, 22, 8), failed: ["sound", "notifications"] });
        expect(isCurrent(check, Date.UTC(2026, 10, 22, 20))).toBe(true);
        expect(isCurrent(check, Date.UTC(2026, 10, 23, 8))).toBe(false);
        expect(deviceCheckOf([])).toBeUndefined();
    });
});

describe("what may disturb somebody", () => {
    const at = (time: string): Date => new Date(`2026-11-23T${time}:00`);

    it("is everything for whoever is on duty, and what is urgent in their quiet hours", () => {
        const quiet = { from: "22:00", until: "07:00" };
        expect(mayDisturb({ state: "on" }, false, at("23:00"))).toBe(true);
        expect(mayDisturb({ state: "on", quiet }, false, at("21:59"))).toBe(true);
        expect(mayDisturb({ state: "on", quiet }, false, at("22:00"))).toBe(false);
        expect(mayDisturb({ state: "on", quiet }, false, at("06:59"))).toBe(false);
        expect(mayDisturb({ state: "on", quiet }, true, at("23:00"))).toBe(true);
    });

    it("is only what is urgent for whoever is busy, and nothing for whoever is off duty", () => {
        expect(mayDisturb({ state: "busy" }, false, at("12:00"))).toBe(false);
        expect(mayDisturb({ state: "busy" }, true, at("12:00"))).toBe(true);
        expect(mayDisturb({ state: "off" }, true, at("12:00"))).toBe(false);
        expect(mayDisturb({ state: "off", until: at("12:00").getTime() }, true, at("12:01"))).toBe(true);
        expect(mayDisturb(undefined, false, at("12:00"))).toBe(true);
    });
});
