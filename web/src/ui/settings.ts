/** Where the preferences of whoever uses this browser are kept. */

/** Set where many use this computer, one after another: a setting of the device. */
export const SHARED = "wardline-shared";

/** On a shared computer they end with the tab, as everything does. */
export function settings(): Storage {
    return localStorage.getItem(SHARED) === "yes" ? sessionStorage : localStorage;
}
