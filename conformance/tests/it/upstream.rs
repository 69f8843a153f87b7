//! matrix-sdk signs in through the organisation's identity provider (npm oidc-provider, a process of its own): by OAuth, and by
//! the bridge of the legacy login API.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use matrix_sdk::{Client, reqwest::Url};

use crate::{
    oauth::{Browser, CALLBACK, metadata},
    server::Server,
};

/// The provider's process. Dropping it ends it.
struct Provider {
    process: Child,
    /// Held open so that the process can go on printing.
    _output: BufReader<ChildStdout>,
    issuer: String,
}

impl Provider {
    /// One where Wardline at this address is registered.
    fn start(base: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/e2e/trust.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .arg(base)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts the provider");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let issuer = output.by_ref().lines().find_map(|line| {
            let line = line.expect("its output can be read");
            line.strip_prefix("issuer ").map(str::to_owned)
        });
        Self { process, _output: output, issuer: issuer.expect("the provider says its address") }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A server and its provider, which must know each other's address.
fn house(dir: &Path) -> (Server, Provider) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let base = format!("http://{address}");
    let provider = Provider::start(&base);
    fs::write(dir.join("trust.secret"), "a secret\n").expect("secret written");
    let config = format!(
        "server_name = \"conformance.example\"\ndata = \"data\"\nlisten = \"{address}\"\npublic_url = \"{base}\"\n\
         [limits]\nrates = false\n[log]\nlevel = \"warn\"\n[outgoing]\nallow = [\"127.0.0.0/8\"]\n\
         [[identity.providers]]\nid = \"trust\"\nlabel = \"Sign in with Riverside Trust\"\n\
         issuer = \"{}\"\nclient_id = \"wardline\"\nclient_secret_file = \"trust.secret\"\nuser_info = true\n",
        provider.issuer
    );
    (Server::configured(dir, &config), provider)
}

/// Goes from a page of Wardline's to the provider, says who one is there, and comes back; the page behind.
async fn through_the_provider(browser: &mut Browser, url: &Url) -> (Url, String) {
    let (at, page) = browser.open(url.clone()).await;
    assert!(page.contains("Sign in with Riverside Trust"), "{page}");
    let link = page.split("class=\"main\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = at.join(&link.expect("a link").replace("&amp;", "&")).expect("an address");
    let (mut there, page) = browser.open(link).await;
    assert!(page.contains("<h1>Identity provider</h1>"), "{there}: {page}");
    there.query_pairs_mut().append_pair("name", "zoe");
    browser.open(there).await
}

async fn client(server: &Server) -> Client {
    Client::builder().homeserver_url(&server.url).build().await.expect("client")
}

async fn is_zoe(client: &Client) {
    let who = client.whoami().await.expect("signed in");
    assert_eq!(who.user_id.as_str(), "@zoe.ng:conformance.example");
    assert_eq!(who.device_id.as_deref(), client.device_id());
}

#[tokio::test]
async fn matrix_sdk_signs_in_through_the_organisations_provider() {
    let dir = tempfile::tempdir().expect("folder");
    let (server, _provider) = house(dir.path());
    let first = client(&server).await;
    let callback = Url::parse(CALLBACK).expect("a URL");
    let oauth = first.oauth();
    let login = oauth.login(callback, None, Some(metadata().into()), None).build().await.expect("registered");
    let mut browser = Browser::new();
    let (at, consent) = through_the_provider(&mut browser, &login.url).await;
    let back = browser.fill(&at, &consent, &[("decision", "allow")]).await.expect("back to the client");
    oauth.finish_login(back.into()).await.expect("signed in");
    is_zoe(&first).await;
    let before = first.session_tokens().expect("tokens");
    oauth.refresh_access_token().await.expect("refreshed");
    assert_ne!(first.session_tokens().expect("tokens").access_token, before.access_token);
    is_zoe(&first).await;
}

#[tokio::test]
async fn matrix_sdk_signs_in_through_the_bridge_and_the_provider() {
    let dir = tempfile::tempdir().expect("folder");
    let (server, _provider) = house(dir.path());
    let client = client(&server).await;
    let auth = client.matrix_auth();
    let kinds = auth.get_login_types().await.expect("login types").flows;
    assert!(kinds.iter().any(|flow| flow.login_type() == "m.login.sso"), "{kinds:?}");
    let url = auth.get_sso_login_url(CALLBACK, None).await.expect("an address");
    let mut browser = Browser::new();
    let (at, ask) = through_the_provider(&mut browser, &Url::parse(&url).expect("a URL")).await;
    let back = browser.fill(&at, &ask, &[("decision", "allow")]).await.expect("back to the client");
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    let token = back.query_pairs().find(|(name, _)| name == "loginToken").expect("a token").1.into_owned();
    auth.login_token(&token).initial_device_display_name("Legacy").send().await.expect("signed in");
    is_zoe(&client).await;
}
