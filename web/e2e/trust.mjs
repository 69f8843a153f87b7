// The provider as a process of its own, as a hospital's, for tests in other languages: `node trust.mjs <address of Wardline>`.
// It prints its issuer, and ends with its input.

import { startProvider } from "./provider.mjs";

const base = process.argv[2];
const provider = await startProvider({
    client: {
        client_secret: "a secret",
        redirect_uris: [`${base}/oauth/upstream/trust/callback`],
        post_logout_redirect_uris: [`${base}/oauth/upstream/trust/signed-out`],
    },
});
console.log(`issuer ${provider.issuer}`);
process.stdin.resume();
process.stdin.on("end", () => process.exit());
