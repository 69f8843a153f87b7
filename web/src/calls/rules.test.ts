import { describe, expect, it } from "vitest";
import { endingOf, isVideo, outcome, stepOf, type CallTrace } from "./rules.ts";

const [me, other] = ["@grace:x", "@priya:x"];

function trace(type: string, sender: string, at: number, more: object = {}): CallTrace {
    return { type: `m.call.${type}`, sender, at, content: { call_id: "c1", lifetime: 60_000, ...more } };
}

describe("what is left of a call in its conversation", () => {
    const invite = trace("invite", other, 0);

    it("is how long it lasted, once it was answered and hung up", () => {
        const later = [
            trace("candidates", other, 10),
            trace("answer", me, 4_000),
            trace("hangup", other, 64_000),
        ];
        expect(outcome(invite, later, me, 1e9)).toEqual({ what: "lasted", milliseconds: 60_000 });
    });

    it("is that it was missed, however it ended before an answer", () => {
        expect(outcome(invite, [trace("hangup", other, 9_000)], me, 1e9)).toEqual({ what: "missed" });
        expect(outcome(invite, [], me, 1e9)).toEqual({ what: "missed" });
        const busy = [trace("reject", me, 1_000, { reason: "user_busy" })];
        expect(outcome(invite, busy, me, 1e9)).toEqual({ what: "missed" });
    });

    it("is that nobody answered, or that it was declined, for whoever called", () => {
        const own = trace("invite", me, 0);
        expect(outcome(own, [], me, 1e9)).toEqual({ what: "unanswered" });
        expect(outcome(own, [trace("reject", other, 5_000)], me, 1e9)).toEqual({ what: "declined" });
        expect(outcome(invite, [trace("reject", me, 5_000)], me, 1e9)).toEqual({ what: "declined" });
    });

    it("is open while it rings or goes on, and is not mixed up with another call", () => {
        expect(outcome(invite, [], me, 30_000)).toEqual({ what: "open" });
        expect(outcome(invite, [trace("answer", me, 2_000)], me, 1e6)).toEqual({ what: "open" });
        const another = [trace("hangup", other, 5_000, { call_id: "c2" })];
        expect(outcome(invite, another, me, 10_000)).toEqual({ what: "open" });
    });

    it("is nothing of its own where both called at once, and one of the two calls was answered", () => {
        const answer = trace("answer", other, 3_000, { call_id: "c2" });
        const own = trace("invite", me, 0);
        expect(outcome(own, [trace("invite", other, 500, { call_id: "c2" }), answer], me, 1e9)).toEqual({
            what: "replaced",
        });
        // Its end may be heard of before that answer.
        const replaced = trace("hangup", other, 900, { reason: "replaced" });
        expect(outcome(own, [replaced, answer], me, 1e9)).toEqual({ what: "replaced" });
        // Given up first, it was a call of its own.
        expect(outcome(own, [trace("hangup", me, 2_000), answer], me, 1e9)).toEqual({ what: "unanswered" });
    });

    it("is looked for no further than needed", () => {
        let read = 0;
        function* endless(): Generator<CallTrace> {
            for (;;) yield { ...trace("candidates", other, ++read * 1000), type: "m.room.message" };
        }
        expect(outcome(invite, endless(), me, 1e9)).toEqual({ what: "missed" });
        expect(read).toBeLessThan(200);
    });
});

describe("the end of a call", () => {
    const call = { outbound: true, byOther: false, answered: false };

    it("is said in the words of whoever was in it", () => {
        expect(endingOf("invite_timeout", call)).toBe("noAnswer");
        expect(endingOf("invite_timeout", { ...call, outbound: false })).toBeUndefined();
        expect(endingOf("user_hangup", { ...call, byOther: true })).toBe("declined");
        expect(endingOf("user_busy", { ...call, byOther: true })).toBe("busy");
        expect(endingOf("user_hangup", { ...call, answered: true })).toBe("over");
        expect(endingOf("answered_elsewhere", { ...call, outbound: false })).toBe("elsewhere");
        expect(endingOf("no_user_media", call)).toBe("devices");
        expect(endingOf("ice_failed", { ...call, answered: true })).toBe("network");
        expect(endingOf("user_hangup", call)).toBeUndefined();
    });
});

it("knows the states of the SDK", () => {
    expect(["wait_local_media", "invite_sent", "ringing", "brand_new"].map(stepOf)).toEqual([
        "starting",
        "ringing",
        "incoming",
        "connecting",
    ]);
});

it("sees from the offer whether there are pictures", () => {
    expect(isVideo({ offer: { sdp: "v=0\nm=audio 9\nm=video 9" } })).toBe(true);
    expect(isVideo({ offer: { sdp: "v=0\nm=audio 9" } })).toBe(false);
    expect(isVideo({})).toBe(false);
});
