/** A computer that many use, one after another: what somebody did is gone with their tab. */
import { forgetForWorker } from "../push/language.ts";
import { silence } from "../push/worker.ts";
import { SHARED } from "../ui/settings.ts";

const TAB = "wardline-tab";

/** Whether this browser is on a shared computer: a setting of the device, and no data. */
export function isShared(): boolean {
    return localStorage.getItem(SHARED) === "yes";
}

export function setShared(shared: boolean): void {
    // The preferences of one person are not those of the next.
    if (shared) {
        localStorage.clear();
        localStorage.setItem(SHARED, "yes");
    } else localStorage.removeItem(SHARED);
    sessionStorage.clear();
}

/** Whether this tab has just been opened; the next question is answered with no. */
export function isNewTab(): boolean {
    const isNew = sessionStorage.getItem(TAB) === null;
    sessionStorage.setItem(TAB, "yes");
    return isNew;
}

/** Leaves nothing of whoever was here: no notification that is still shown, nor the language of those to come. */
export async function leaveNothing(): Promise<void> {
    await Promise.all([silence(), forgetForWorker()]).catch(() => undefined);
}
