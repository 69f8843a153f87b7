//! An authenticator in software: one ES256 credential with user verification, as a browser hands it on (WebAuthn Level 3).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64},
};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{AlgorithmParameters, Jwk},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Browser, Shown};
use crate::support::Server;

/// A key made for these tests only.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUfAiyvA22k6/qbdnqf4Ms7QOI1RhkoYlw4YW0VkSNNihRANCAAT5JBG0n2PeUZ5f5dxwP+o8Wihz6aC73ypzSXg3eGc6VFEP0XNTmUhDll6IP1cFbniJJu6d2qfE0gQ8mhDz6pHQ";
const ORIGIN: &str = "https://chat.riverside.example";
const ID: [u8; 16] = [7; 16];
/// The flags "user present" and "user verified", and "a credential is attached".
const VERIFIED: u8 = 0x05;
const ATTACHED: u8 = 0x40;

pub(crate) struct SoftPasskey {
    key: EncodingKey,
    handle: String,
    counter: u32,
}

/// An attribute of the form with a passkey's request, as text.
fn attribute(page: &Shown, kind: &str) -> (Value, String) {
    let form = page.html.split(&format!("data-passkey=\"{kind}\"")).nth(1).expect("a form for a passkey");
    let options = form.split("data-options=\"").nth(1).unwrap().split('"').next().unwrap();
    let options = options.replace("&quot;", "\"").replace("&#34;", "\"").replace("&amp;", "&");
    let challenge = form.split("name=\"challenge\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    (serde_json::from_str(&options).unwrap(), challenge.to_owned())
}

fn client_data(kind: &str, options: &Value) -> String {
    json!({ "type": kind, "challenge": options["challenge"], "origin": ORIGIN, "crossOrigin": false })
        .to_string()
}

impl SoftPasskey {
    /// Makes a passkey for the person at the security page.
    pub(crate) async fn add(browser: &mut Browser<'_>, security: &str) -> Self {
        let page = browser.get(security).await;
        let (options, challenge) = attribute(&page, "create");
        let handle = options["user"]["id"].as_str().unwrap().to_owned();
        let passkey =
            Self { key: EncodingKey::from_ec_der(&STANDARD.decode(KEY).unwrap()), handle, counter: 1 };
        let mut data = passkey.data(VERIFIED | ATTACHED);
        data.extend([0; 16]);
        data.extend(u16::try_from(ID.len()).unwrap().to_be_bytes());
        data.extend(ID);
        data.extend(passkey.public());
        // {"fmt": "none", "attStmt": {}, "authData": …} in CBOR.
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let response = json!({
            "clientDataJSON": B64.encode(client_data("webauthn.create", &options)),
            "attestationObject": B64.encode(object),
            "transports": ["internal"],
        });
        let fields = [
            ("do", "passkey-add".to_owned()),
            ("challenge", challenge),
            ("credential", credential(&response)),
            ("name", "Soft".to_owned()),
        ];
        let mut all: Vec<(String, String)> =
            page.hidden().into_iter().filter(|(name, _)| name == "csrf").collect();
        all.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        browser.post("/account/security", &all).await.location();
        passkey
    }

    /// Signs in with it on the page; what the browser is shown.
    pub(crate) async fn sign_in(&mut self, browser: &mut Browser<'_>, next: &str) -> Shown {
        let page = browser.get(next).await;
        let (options, challenge) = attribute(&page, "get");
        self.counter += 1;
        let data = self.data(VERIFIED);
        let client_data = client_data("webauthn.get", &options);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(client_data.as_bytes()));
        let response = json!({
            "clientDataJSON": B64.encode(client_data),
            "authenticatorData": B64.encode(data),
            "signature": B64.encode(self.sign(&signed)),
            "userHandle": self.handle,
        });
        let fields =
            [("method", "passkey"), ("challenge", &*challenge), ("credential", &*credential(&response))];
        browser.login(&page, next, &fields).await
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(b"chat.riverside.example").to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key as COSE: EC2, ES256, P-256.
    fn public(&self) -> Vec<u8> {
        let AlgorithmParameters::EllipticCurve(point) =
            Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap().algorithm
        else {
            panic!("not a point");
        };
        let mut cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".to_vec();
        cose.extend(B64.decode(point.x).unwrap());
        cose.extend(b"\x22\x58\x20");
        cose.extend(B64.decode(point.y).unwrap());
        cose
    }

    /// The signature as WebAuthn has it: two integers in DER.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let raw = jsonwebtoken::crypto::sign(message, &self.key, Algorithm::ES256).unwrap();
        let raw = B64.decode(raw).unwrap();
        let mut integers = Vec::new();
        for half in raw.chunks(32) {
            let mut bytes: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
            if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
                bytes.insert(0, 0);
            }
            integers.extend([0x02, u8::try_from(bytes.len()).unwrap()]);
            integers.extend(bytes);
        }
        let mut der = vec![0x30, u8::try_from(integers.len()).unwrap()];
        der.extend(integers);
        der
    }
}

fn credential(response: &Value) -> String {
    let id = B64.encode(ID);
    json!({ "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response }).to_string()
}

#[tokio::test]
async fn a_passkey_is_a_whole_sign_in() {
    let server = Server::new().await;
    let mut browser = Browser::new(&server);
    let security = "/account?action=org.wardline.security";
    browser.sign_in(security).await;
    let mut passkey = SoftPasskey::add(&mut browser, security).await;
    let mut other = Browser::new(&server);
    assert_eq!(passkey.sign_in(&mut other, "/account").await.location(), "/account");
    // A counter that stands still tells of a copy.
    passkey.counter -= 1;
    assert_eq!(passkey.sign_in(&mut Browser::new(&server), "/account").await.status, 403);
    passkey.counter += 5;
    assert_eq!(passkey.sign_in(&mut Browser::new(&server), "/account").await.status, 403);
}
