// Asks the browser for a passkey, or to make one, and sends its answer with the form. Nothing else on the pages runs.
"use strict";

/** @param {ArrayBuffer} buffer */
function encode(buffer) {
    const text = String.fromCodePoint(...new Uint8Array(buffer));
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function decode(text) {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (character) => character.codePointAt(0));
}

/** The options of a form, with their bytes. */
function optionsOf(form) {
    const options = JSON.parse(form.dataset.options);
    options.challenge = decode(options.challenge);
    if (options.user) options.user.id = decode(options.user.id);
    for (const list of [options.allowCredentials, options.excludeCredentials])
        for (const known of list ?? []) known.id = decode(known.id);
    return options;
}

/** Puts the browser's answer into the form and sends it. */
function send(form, credential) {
    const { response } = credential;
    const answer = { id: credential.id, rawId: encode(credential.rawId), type: credential.type, extensions: {} };
    answer.response = { clientDataJSON: encode(response.clientDataJSON) };
    if (response.attestationObject) {
        answer.response.attestationObject = encode(response.attestationObject);
        answer.response.transports = response.getTransports?.() ?? [];
    } else {
        answer.response.authenticatorData = encode(response.authenticatorData);
        answer.response.signature = encode(response.signature);
        answer.response.userHandle = response.userHandle ? encode(response.userHandle) : null;
    }
    form.elements.namedItem("credential").value = JSON.stringify(answer);
    form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
    const making = form.dataset.passkey === "create";
    const problem = form.querySelector("[data-problem]");
    let waiting = new AbortController();
    const ask = async (more) => {
        const options = { publicKey: optionsOf(form), signal: waiting.signal, ...more };
        const container = navigator.credentials;
        send(form, await (making ? container.create(options) : container.get(options)));
    };
    form.hidden = !globalThis.PublicKeyCredential;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        waiting.abort();
        waiting = new AbortController();
        problem.hidden = true;
        try {
            await ask({});
        } catch {
            problem.hidden = false;
        }
    });
    // The browser offers passkeys where the user name is typed, if it can.
    if (!making)
        globalThis.PublicKeyCredential?.isConditionalMediationAvailable?.().then(
            (can) => can && ask({ mediation: "conditional" }).catch(() => undefined),
        );
}
