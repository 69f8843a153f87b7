/** Clock and calendar words. 24-hour times and dd-Mmm-yyyy dates, always. */
import { t } from "./index.ts";

/** `14:05`. */
export function clock(at: number): string {
    const when = new Date(at);
    return `${String(when.getHours()).padStart(2, "0")}:${String(when.getMinutes()).padStart(2, "0")}`;
}

/** `14:05:09`. */
export function clockSeconds(at: number): string {
    return `${clock(at)}:${String(new Date(at).getSeconds()).padStart(2, "0")}`;
}

function midnight(at: number): number {
    return new Date(at).setHours(0, 0, 0, 0);
}

/** Whole days between two instants by the calendar. */
function daysBetween(from: number, to: number): number {
    return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}

/** `22-Nov-2026`. */
export function calendarDate(at: number): string {
    const when = new Date(at);
    return `${String(when.getDate()).padStart(2, "0")}-${t.months[when.getMonth()]}-${when.getFullYear()}`;
}

/** `14:05, 22-Nov-2026`. */
export function dateTime(at: number): string {
    return `${clock(at)}, ${calendarDate(at)}`;
}

/** `Today`, `Yesterday`, or `Monday 16-Nov-2026`. */
export function dayLabel(at: number, now: number): string {
    const days = daysBetween(at, now);
    if (days === 0) return t.time.today;
    if (days === 1) return t.time.yesterday;
    return `${t.weekdays[new Date(at).getDay()]} ${calendarDate(at)}`;
}

/** For lists: the time today, otherwise the day. */
export function shortWhen(at: number, now: number): string {
    const days = daysBetween(at, now);
    if (days === 0) return clock(at);
    if (days === 1) return t.time.yesterday;
    return calendarDate(at);
}

/** `14:05`, with the date when it is not today. */
export function clockWithDay(at: number, now: number): string {
    return daysBetween(at, now) === 0 ? clock(at) : `${clock(at)}, ${shortWhen(at, now)}`;
}

/** `3 min ago`. */
export function ago(at: number, now: number): string {
    const minutes = Math.floor((now - at) / 60_000);
    if (minutes < 1) return t.time.justNow;
    if (minutes < 60) return t.time.minutesAgo(minutes);
    const hours = Math.floor(minutes / 60);
    return hours < 24 ? t.time.hoursAgo(hours) : t.time.daysAgo(Math.floor(hours / 24));
}
