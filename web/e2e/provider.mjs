// A real OpenID provider (npm oidc-provider) on a free port, which tests configure as a hospital's, as NHS CIS2 or as NHS
// login. Its one page takes a name; what the name stands for is in `people`.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

/** A key pair: the private half as PEM for Wardline, the public half as a JWK for the provider. */
export function clientKey(kid, alg) {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return {
        pem: privateKey.export({ type: "pkcs8", format: "pem" }),
        jwk: { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" },
    };
}

const role = (id, organisation, name) => ({
    org_code: organisation,
    person_orgid: `9${id}`,
    person_roleid: id,
    role_code: "S8000:G8000:R8001",
    role_name: `"Clinical":"Clinical Provision":"${name}"`,
    activity_codes: ["B0016"],
    aow: [],
    workgroups: [],
});

const staff = (uid, more) => ({ nhsid_useruid: uid, idassurancelevel: "3", ...more });

/** Who signs in, and what the provider says of them. */
export const people = {
    zoe: {
        name: "Dr Zoe Ng",
        given_name: "Zoe",
        family_name: "Ng",
        preferred_username: "zoe.ng@riverside.example",
    },
    megan: { name: "Somebody Else", given_name: "S", family_name: "Else", preferred_username: "megan.evans" },
    nurse: {
        name: "Nia Rees",
        given_name: "Nia",
        family_name: "Rees",
        acr: "AAL3_ANY",
        ...staff("555000000011", {
            nhsid_nrbac_roles: [role("11", "RX1", "Nurse Access Role")],
            selected_roleid: "11",
        }),
    },
    locum: {
        name: "Lee Ono",
        given_name: "Lee",
        family_name: "Ono",
        acr: "AAL2_TOTP",
        ...staff("555000000012", {
            nhsid_nrbac_roles: [
                role("21", "RX1", "Clinical Practitioner"),
                role("22", "RY2", "Clinical Practitioner"),
            ],
            nhsid_user_orgs: [
                { org_code: "RX1", org_name: "Riverside General Hospital" },
                { org_code: "RY2", org_name: "Hillview Hospital" },
            ],
            selected_roleid: "22",
        }),
    },
    weak: {
        acr: "AAL1_USERPASS",
        ...staff("555000000013", { nhsid_nrbac_roles: [role("31", "RX1", "Nurse")], selected_roleid: "31" }),
    },
    broken: {
        acr: "AAL3_ANY",
        ...staff("555000000014", { nhsid_nrbac_roles: [{ org_code: "RX1" }], selected_roleid: "41" }),
    },
    patient: {
        given_name: "Pat",
        family_name: "Jones",
        nhs_number: "9434765919",
        birthdate: "1980-01-01",
        identity_proofing_level: "P9",
        vot: "P9.Cp.Cd",
    },
    unproved: { given_name: "Una", family_name: "Proved", identity_proofing_level: "P5", vot: "P5.Cp.Cd" },
};

const claimNames = [...new Set(Object.values(people).flatMap((claims) => Object.keys(claims)))].filter(
    (name) => name !== "acr",
);

/** Starts a provider. `client` is Wardline's registration there. */
export async function startProvider({ client, scopes = [], algorithm = "RS256" }) {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signing = {
        ...privateKey.export({ format: "jwk" }),
        kid: "provider-1",
        alg: algorithm,
        use: "sig",
    };
    const disabled = new Set();
    const asked = [];
    const provider = new Provider(issuer, {
        clients: [
            {
                client_id: "wardline",
                grant_types: ["authorization_code", "refresh_token"],
                id_token_signed_response_alg: algorithm,
                ...client,
            },
        ],
        jwks: { keys: [signing] },
        scopes: ["openid", "offline_access", "profile", "email", ...scopes],
        claims: {
            acr: null,
            auth_time: null,
            sid: null,
            openid: ["sub"],
            profile: claimNames,
            email: ["email"],
        },
        acrValues: ["AAL2_OR_AAL3_ANY", "AAL3_ANY", "AAL2_TOTP", "AAL1_USERPASS"],
        extraParams: ["vtr"],
        enabledJWA: {
            idTokenSigningAlgValues: ["RS256", "RS512"],
            clientAuthSigningAlgValues: ["RS256", "RS512"],
        },
        conformIdTokenClaims: false,
        pkce: { required: () => true },
        cookies: { keys: ["a secret of the test"] },
        findAccount: (_, id) =>
            disabled.has(id) ? undefined : { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
        issueRefreshToken: () => true,
        rotateRefreshToken: false,
        features: {
            devInteractions: { enabled: false },
            backchannelLogout: { enabled: true },
            rpInitiatedLogout: { enabled: true },
            introspection: { enabled: true },
        },
        ttl: {
            AccessToken: 600,
            Grant: 86_400,
            IdToken: 600,
            Interaction: 600,
            RefreshToken: 86_400,
            Session: 86_400,
        },
        // The client is on this machine, where the provider's own way of asking would not go.
        fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    });
    const signedOut = [];
    provider.on("backchannel.success", (_context, _client, account) => signedOut.push(account));
    provider.on("backchannel.error", (_context, error) => console.error(`back-channel logout: ${error}`));

    /** The provider's own page: a name, and the provider's word for the rest. */
    async function interact(request, response) {
        const details = await provider.interactionDetails(request, response);
        asked.push(details.params);
        const name = new URL(request.url, issuer).searchParams.get("name");
        if (details.prompt.name === "login" && name === null) {
            response.setHeader("content-type", "text/html");
            response.end(
                `<!doctype html><html lang="en"><title>Identity provider</title><main><h1>Identity provider</h1>
                <form><label>Name <input name="name"></label><button>Go on</button></form></main></html>`,
            );
            return;
        }
        let result;
        if (details.prompt.name === "login") {
            result = people[name]
                ? { login: { accountId: name, acr: people[name].acr } }
                : { error: "access_denied", error_description: "nobody of this name" };
        } else {
            const grant = new provider.Grant({
                accountId: details.session.accountId,
                clientId: details.params.client_id,
            });
            grant.addOIDCScope(details.params.scope);
            grant.addOIDCClaims(details.prompt.details.missingOIDCClaims ?? []);
            result = { consent: { grantId: await grant.save() } };
        }
        await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
    }

    const answer = provider.callback();
    server.on("request", (request, response) => {
        if (!request.url.startsWith("/interaction/")) return answer(request, response);
        interact(request, response).catch((error) => {
            response.statusCode = 500;
            response.end(String(error));
        });
        return undefined;
    });
    return {
        issuer,
        asked,
        /** Whose sign-out the client was told of, and took. */
        signedOut,
        disable: (name) => disabled.add(name),
        stop: () => {
            server.closeAllConnections();
            server.close();
        },
    };
}
