//! HTTP and HTTPS on one port, a new certificate without a restart, and who is trusted on the way out.

use std::{fs, net::SocketAddr, path::Path};

use axum::{Router, routing::get};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wardline_server::{
    config::{LimitsConfig, OutgoingSection, TlsSection},
    listener,
    tls::Tls,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for `names` and its key, signed by `authority`.
fn write(folder: &Path, authority: &Authority, names: &[&str]) -> TlsSection {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    let files = TlsSection { certificate: folder.join("server.pem"), key: folder.join("server.key") };
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

async fn served(tls: &Tls, stop: &CancellationToken) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = LimitsConfig::default().listener();
    tokio::spawn(listener::serve_tls(socket, router, limits, Some(tls.clone()), stop.clone()));
    address
}

/// A client that trusts the authority, resolves `name` to `address`, and keeps no connection.
fn client(authority: &Authority, name: &str, address: SocketAddr) -> reqwest::Client {
    let trusted = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([trusted])
        .resolve(name, address)
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

#[tokio::test]
async fn one_port_speaks_both_and_takes_a_new_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let tls = Tls::open(write(folder.path(), &authority, &["first.test"])).unwrap();
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let address = served(&tls, &stop).await;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(plain.get(format!("http://{address}/")).send().await.unwrap().text().await.unwrap(), "here");
    let get = async |name: &str| {
        let url = format!("https://{name}:{}/", address.port());
        client(&authority, name, address).get(url).send().await?.text().await
    };
    assert_eq!(get("first.test").await.unwrap(), "here");
    assert!(get("second.test").await.is_err());

    let files = write(folder.path(), &authority, &["second.test"]);
    tls.reload().unwrap();
    assert_eq!(get("second.test").await.unwrap(), "here");
    fs::write(&files.key, "no key").unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("tls.key"));
    assert_eq!(get("second.test").await.unwrap(), "here");
}

#[tokio::test]
async fn outgoing_connections_trust_the_configured_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let tls = Tls::open(write(folder.path(), &authority, &["localhost"])).unwrap();
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let address = served(&tls, &stop).await;
    let url = format!("https://localhost:{}/", address.port());
    let request = || http::Request::get(&url).body(Bytes::new()).unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();

    let allow = vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()];
    let stranger = OutgoingSection { allow: allow.clone(), ..OutgoingSection::default() };
    assert!(stranger.client().unwrap().send(request(), 100).await.is_err());
    let denied = OutgoingSection { ca_certificates: vec![ca.clone()], ..OutgoingSection::default() };
    assert!(denied.client().unwrap().send(request(), 100).await.is_err());
    let friend = OutgoingSection { ca_certificates: vec![ca], allow, ..OutgoingSection::default() };
    let answer = friend.client().unwrap().send(request(), 100).await.unwrap();
    assert_eq!(answer.body().as_ref(), b"here");
}
