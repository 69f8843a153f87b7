/** A sign-in that did not work, in words for the person. */
export class SignInError extends Error {}
