/** A part of the app could not be fetched. */
export class NotLoadedError extends Error {
    override name = "NotLoadedError";
}
