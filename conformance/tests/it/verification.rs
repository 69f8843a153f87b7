//! matrix-sdk: emoji between two devices and between two people, a reset identity, a file in an encrypted room.

use matrix_sdk::{
    Client,
    attachment::AttachmentConfig,
    encryption::verification::{
        QrVerificationData, SasVerification, VerificationRequest, VerificationRequestState,
    },
    media::{MediaFormat, MediaRequestParameters},
    ruma::{
        UserId,
        api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier},
        events::{
            key::verification::VerificationMethod,
            room::message::{MessageType, OriginalSyncRoomMessageEvent},
        },
    },
};

use crate::{
    encrypted::{PASSWORD, encrypted_room, register, send, sign_in, sync, texts},
    server::Server,
};

/// How often a client syncs for something that was already acknowledged to the other side.
const PATIENCE: usize = 30;

/// Syncs until `found` gives something.
async fn until<T>(client: &Client, what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE {
        if let Some(found) = found().await {
            return found;
        }
        sync(client).await;
    }
    panic!("waited in vain for {what}");
}

/// The comparison of emoji behind a request.
fn sas(request: &VerificationRequest) -> Option<SasVerification> {
    match request.state() {
        VerificationRequestState::Transitioned { verification } => verification.sas(),
        _ => None,
    }
}

/// Both sides of a comparison, from the request that `one` made of `other`.
async fn compare(request: &VerificationRequest, one: &Client, other: &Client) {
    let asker: &UserId = one.user_id().expect("signed in");
    let answered = until(other, "the request", async || {
        other.encryption().get_verification_request(asker, request.flow_id()).await
    })
    .await;
    answered.accept().await.expect("accepted");
    until(one, "the acceptance", async || request.is_ready().then_some(())).await;
    let mine = request.start_sas().await.expect("started").expect("possible");
    let theirs = until(other, "the start", async || sas(&answered)).await;
    theirs.accept().await.expect("accepted");
    for _ in 0..PATIENCE {
        if mine.can_be_presented() && theirs.can_be_presented() {
            break;
        }
        sync(one).await;
        sync(other).await;
    }
    let shown = |sas: &SasVerification| sas.emoji().expect("emoji").map(|emoji| emoji.symbol);
    assert_eq!(shown(&mine), shown(&theirs));
    mine.confirm().await.expect("confirmed");
    theirs.confirm().await.expect("confirmed");
    for _ in 0..PATIENCE {
        if mine.is_done() && theirs.is_done() {
            return;
        }
        sync(one).await;
        sync(other).await;
    }
    panic!("the comparison does not end");
}

#[tokio::test]
async fn a_new_device_is_let_in_by_emoji() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    register(&server, "amara").await;
    let old = sign_in(&server, "amara").await;
    let fresh = sign_in(&server, "amara").await;
    let user = old.user_id().expect("signed in");
    let device = old.device_id().expect("signed in");
    let old_device = until(&fresh, "the other device", async || {
        fresh.encryption().get_device(user, device).await.expect("a store")
    })
    .await;
    let id = fresh.device_id().expect("signed in");
    // A request of a device that is not known yet is passed over.
    until(&old, "the new device", async || old.encryption().get_device(user, id).await.expect("a store"))
        .await;
    let request = old_device.request_verification().await.expect("asked");
    compare(&request, &fresh, &old).await;
    until(&old, "the signature", async || {
        let device = old.encryption().get_device(user, id).await.expect("a store")?;
        device.is_verified_with_cross_signing().then_some(())
    })
    .await;
    until(&fresh, "the private keys", async || {
        sync(&old).await;
        let status = fresh.encryption().cross_signing_status().await?;
        status.is_complete().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_new_device_is_let_in_by_a_qr_code() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    register(&server, "amara").await;
    let old = sign_in(&server, "amara").await;
    let fresh = sign_in(&server, "amara").await;
    let own = fresh.user_id().expect("signed in");
    let identity = until(&fresh, "her identity", async || {
        fresh.encryption().get_user_identity(own).await.expect("a store")
    })
    .await;
    let id = fresh.device_id().expect("signed in");
    until(&old, "the new device", async || old.encryption().get_device(own, id).await.expect("a store"))
        .await;
    let methods = || {
        [
            VerificationMethod::QrCodeShowV1,
            VerificationMethod::QrCodeScanV1,
            VerificationMethod::ReciprocateV1,
        ]
        .to_vec()
    };
    let request = identity.request_verification_with_methods(methods()).await.expect("asked");
    let answered = until(&old, "the request", async || {
        old.encryption().get_verification_request(own, request.flow_id()).await
    })
    .await;
    answered.accept_with_methods(methods()).await.expect("accepted");
    until(&fresh, "the acceptance", async || request.is_ready().then_some(())).await;
    // The device that is there shows the code, the new one scans it, and the person says that both agree.
    let shown = answered.generate_qr_code().await.expect("a code").expect("possible");
    let bytes = shown.to_bytes().expect("bytes");
    let code = QrVerificationData::from_bytes(bytes).expect("a code that can be read");
    let scanned = request.scan_qr_code(code).await.expect("scanned").expect("possible");
    until(&old, "the scan", async || shown.has_been_scanned().then_some(())).await;
    shown.confirm().await.expect("confirmed");
    for _ in 0..PATIENCE {
        if shown.is_done() && scanned.is_done() {
            break;
        }
        sync(&fresh).await;
        sync(&old).await;
    }
    assert!(shown.is_done() && scanned.is_done());
    until(&fresh, "the secrets", async || {
        sync(&old).await;
        let status = fresh.encryption().cross_signing_status().await?;
        status.is_complete().then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_people_trust_one_another_until_one_resets() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    for name in ["amara", "ben"] {
        register(&server, name).await;
    }
    let (amara, ben) = (sign_in(&server, "amara").await, sign_in(&server, "ben").await);
    let (at_amara, at_ben) = encrypted_room(&amara, &ben).await;
    send(&at_amara, "shall we?").await;
    until(&ben, "her words", async || (texts(&at_ben).await.len() == 1).then_some(())).await;
    let id = ben.user_id().expect("signed in");
    let identity = until(&amara, "his identity", async || {
        amara.encryption().get_user_identity(id).await.expect("a store")
    })
    .await;
    let request = identity.request_verification().await.expect("asked");
    // The request is an invitation to a conversation of the two.
    until(&ben, "the invitation", async || {
        let invited = ben.invited_rooms();
        for room in &invited {
            ben.join_room_by_id(room.room_id()).await.expect("joined");
        }
        (!invited.is_empty() || ben.joined_rooms().len() > 1).then_some(())
    })
    .await;
    compare(&request, &amara, &ben).await;
    let verified = async || {
        let identity = amara.encryption().get_user_identity(id).await.expect("a store")?;
        Some(identity.is_verified())
    };
    until(&amara, "her trust", async || verified().await.filter(|verified| *verified)).await;

    let handle =
        ben.encryption().reset_cross_signing().await.expect("asked").expect("a password is asked for");
    let user = UserIdentifier::Matrix(MatrixUserIdentifier::new("ben".into()));
    let mut password = Password::new(user, PASSWORD.into());
    if let matrix_sdk::encryption::CrossSigningResetAuthType::Uiaa(uiaa) = handle.auth_type() {
        password.session.clone_from(&uiaa.session);
    }
    handle.auth(Some(AuthData::Password(password))).await.expect("reset");
    until(&amara, "the end of her trust", async || verified().await.filter(|verified| !verified)).await;
}

#[tokio::test]
async fn a_file_is_whole_at_the_other_end_and_unreadable_in_between() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    for name in ["amara", "ben"] {
        register(&server, name).await;
    }
    let (amara, ben) = (sign_in(&server, "amara").await, sign_in(&server, "ben").await);
    let (at_amara, at_ben) = encrypted_room(&amara, &ben).await;
    let words = b"the words of the letter ".repeat(20_000);
    at_amara
        .send_attachment(
            "letter.txt",
            &"text/plain".parse().expect("a type"),
            words.clone(),
            AttachmentConfig::new(),
        )
        .await
        .expect("sent");
    let event: OriginalSyncRoomMessageEvent = until(&ben, "the file", async || {
        let mut options = matrix_sdk::room::MessagesOptions::backward();
        options.limit = 20_u32.into();
        let page = at_ben.messages(options).await.expect("messages");
        page.chunk.iter().find_map(|event| {
            let event: OriginalSyncRoomMessageEvent = event.raw().deserialize_as_unchecked().ok()?;
            matches!(event.content.msgtype, MessageType::File(_)).then_some(event)
        })
    })
    .await;
    let MessageType::File(file) = event.content.msgtype else { panic!("it was a file") };
    let request = MediaRequestParameters { source: file.source, format: MediaFormat::File };
    assert_eq!(ben.media().get_media_content(&request, false).await.expect("content"), words);
    let media = dir.path().join("data/media");
    let mut folders = vec![media];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let kept = std::fs::read(path).expect("readable");
            assert!(!kept.windows(9).any(|part| part == b"the words"), "nothing in clear is kept");
            files += 1;
        }
    }
    assert_eq!(files, 1);
}
