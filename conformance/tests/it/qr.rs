//! matrix-sdk signs a new device in by the QR code of an existing one (MSC4108): rendezvous, device grant, secrets.

use futures_util::{StreamExt, join};
use matrix_sdk::{
    Client,
    authentication::oauth::qrcode::{GeneratedQrProgress, GrantLoginProgress, LoginProgress},
};
use tokio::sync::oneshot;

use crate::{
    encrypted::register,
    oauth::{Browser, metadata, signed_in},
    server::Server,
};

#[tokio::test]
async fn matrix_sdk_signs_a_new_device_in_by_qr_code() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    register(&server, "amy").await;
    let mut browser = Browser::new();
    let existing = signed_in(&server, &mut browser).await;
    existing.encryption().wait_for_e2ee_initialization_tasks().await;
    let new = Client::builder().homeserver_url(&server.url).build().await.expect("client");

    let (show, scanned) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let oauth = existing.oauth();
    let grant = oauth.grant_login_with_qr_code().generate();
    let mut progress = grant.subscribe_to_progress();
    let granting = async { grant.await.expect("the login is granted") };
    // The person at the existing device: shows the code, types the check digits, allows the new device on the page.
    let person = async {
        let (mut show, mut told) = (Some(show), Some(told));
        while let Some(state) = progress.next().await {
            match state {
                GrantLoginProgress::EstablishingSecureChannel(GeneratedQrProgress::QrReady(code)) => {
                    drop(show.take().expect("one code").send(code));
                }
                GrantLoginProgress::EstablishingSecureChannel(GeneratedQrProgress::QrScanned(sender)) => {
                    let digits = told.take().expect("once").await.expect("the check digits");
                    sender.send(digits).await.expect("taken");
                }
                GrantLoginProgress::WaitingForAuth { verification_uri } => {
                    let page = browser.sign_in(&verification_uri).await;
                    assert!(page.contains("Allow the other device?"), "{page}");
                    browser.fill(&verification_uri, &page, &[("decision", "allow")]).await;
                }
                GrantLoginProgress::Done => break,
                GrantLoginProgress::Starting | GrantLoginProgress::SyncingSecrets => {}
            }
        }
    };
    // The new device: scans, shows the check digits, signs in.
    let joining = async {
        let code = scanned.await.expect("a code");
        let registration = metadata().into();
        let oauth = new.oauth();
        let login = oauth.login_with_qr_code(Some(&registration)).scan(&code);
        let mut progress = login.subscribe_to_progress();
        let digits = async {
            let mut tell = Some(tell);
            while let Some(state) = progress.next().await {
                if let LoginProgress::EstablishingSecureChannel(channel) = state
                    && let Some(tell) = tell.take()
                {
                    tell.send(channel.check_code.to_digit()).expect("taken");
                }
            }
        };
        let done = async { login.await.expect("signed in") };
        tokio::select! {
            () = done => {}
            () = async { digits.await; std::future::pending().await } => {}
        }
    };
    join!(granting, person, joining);

    assert_eq!(new.user_id(), existing.user_id());
    assert_ne!(new.device_id(), existing.device_id());
    new.whoami().await.expect("the new device is signed in");
    // It has the identity's secrets: nobody needs to verify it.
    let keys = new.encryption().cross_signing_status().await.expect("keys");
    assert!(keys.is_complete(), "{keys:?}");
}
