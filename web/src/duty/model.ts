/** Whether somebody works, and what may disturb them: `docs/protocol/on-call.md`. */
import type { ParameterValue } from "../fhir/client.ts";
import { millis, ours, referenceId, type Extension } from "../fhir/schema.ts";

export const dutyStates = ["on", "busy", "off"] as const;
export type DutyState = (typeof dutyStates)[number];

/** What somebody says of themselves. */
export interface Duty {
    state: DutyState;
    until?: number | undefined;
    /** Who is asked instead, at the moment. */
    cover?: { id: string; name: string } | undefined;
    /** `22:00` to `07:00`, every day. */
    quiet?: { from: string; until: string } | undefined;
}

export const onDuty: Duty = { state: "on" };

function clockOf(time: string | undefined): string | undefined {
    return /^\d{2}:\d{2}/.exec(time ?? "")?.[0];
}

/** Reads what a Practitioner shows; on duty where it shows nothing. */
export function dutyOf(extensions: readonly Extension[] | undefined): Duty {
    const parts = ours(extensions, "duty-status")?.extension;
    const code = ours(parts, "status")?.valueCode;
    const cover = ours(parts, "covered-by")?.valueReference;
    const coverId = referenceId(cover, "Practitioner");
    const [from, until] = [
        clockOf(ours(parts, "quiet-from")?.valueTime),
        clockOf(ours(parts, "quiet-until")?.valueTime),
    ];
    return {
        state: dutyStates.find((state) => state === code) ?? "on",
        until: millis(ours(parts, "until")?.valueInstant),
        cover: coverId === undefined ? undefined : { id: coverId, name: cover?.display ?? coverId },
        quiet: from !== undefined && until !== undefined ? { from, until } : undefined,
    };
}

/** What the person wants to say; `cover` is `Practitioner/x` or `HealthcareService/y`. */
export interface DutyWish {
    state: DutyState;
    until?: number | undefined;
    cover?: string | undefined;
    quiet?: { from: string; until: string } | undefined;
}

/** The input of `$duty`. */
export function dutyParameters({ state, until, cover, quiet }: DutyWish): Record<string, ParameterValue> {
    return {
        status: { valueCode: state },
        ...(until !== undefined && { until: { valueInstant: new Date(until).toISOString() } }),
        ...(cover !== undefined &&
            state === "off" && { "covered-by": { valueReference: { reference: cover } } }),
        ...(quiet && {
            "quiet-from": { valueTime: `${quiet.from}:00` },
            "quiet-until": { valueTime: `${quiet.until}:00` },
        }),
    };
}

/** Whether clocks that show `now` (`23:15`) are within hours that may go over midnight. */
export function isQuiet(quiet: Duty["quiet"], now: string): boolean {
    if (!quiet) return false;
    const { from, until } = quiet;
    return from <= until ? from <= now && now < until : from <= now || now < until;
}

/** Whether somebody may be disturbed now: what is urgent reaches whoever works, and nothing whoever is off duty. */
export function mayDisturb(duty: Duty | undefined, urgent: boolean, now: Date): boolean {
    if (!duty) return true;
    const ended = duty.until !== undefined && duty.until <= now.getTime();
    const state = ended ? "on" : duty.state;
    if (state === "off") return false;
    return urgent || (state === "on" && !isQuiet(duty.quiet, now.toTimeString().slice(0, 5)));
}

/** The next instant at which clocks show `time`. */
export function nextAt(time: string, now: number): number {
    const [hours, minutes] = time.split(":").map(Number);
    const at = new Date(now).setHours(hours ?? 0, minutes ?? 0, 0, 0);
    return at > now ? at : new Date(at).setDate(new Date(at).getDate() + 1);
}

/** What somebody found when they tested their device. */
export interface DeviceCheck {
    at: number;
    failed: string[];
}

/** Reads the newest test that a Practitioner shows. */
export function deviceCheckOf(extensions: readonly Extension[] | undefined): DeviceCheck | undefined {
    const parts = ours(extensions, "device-check")?.extension;
    const at = millis(ours(parts, "at")?.valueInstant);
    if (at === undefined) return undefined;
    return {
        at,
        failed: (parts ?? []).flatMap((part) => (part.url === "failed" ? (part.valueCode ?? []) : [])),
    };
}

/** A test counts for one shift. */
const SHIFT_MS = 13 * 3_600_000;

/** Whether a test is of this shift. */
export function isCurrent(check: DeviceCheck | undefined, now: number): check is DeviceCheck {
    return check !== undefined && now - check.at < SHIFT_MS;
}
