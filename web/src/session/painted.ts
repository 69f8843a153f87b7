/** A page in the background is not painted. */
const AT_MOST_MS = 100;

/** What was drawn last is on the screen, if anybody looks: from here on something long may be begun. */
export function painted(): Promise<void> {
    return new Promise((resolve) => {
        setTimeout(resolve, AT_MOST_MS);
        // The first frame is about to be painted, the second comes after it.
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
    });
}
