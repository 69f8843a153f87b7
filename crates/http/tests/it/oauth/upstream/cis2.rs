//! NHS CIS2.

use super::*;

pub(crate) fn role(id: &str, organisation: &str) -> Value {
    json!({ "org_code": organisation, "person_orgid": "1", "person_roleid": id,
        "role_code": "S8000:G8000:R8001", "role_name": "\"Clinical\":\"Clinical Provision\":\"Nurse <A>\"" })
}

pub(crate) fn cis2(all: &mut Value, acr: &str, roles: Value, selected: Option<&str>) {
    all["acr"] = json!(acr);
    all["nhsid_useruid"] = json!("555000000001");
    all["idassurancelevel"] = json!("3");
    all["nhsid_nrbac_roles"] = roles;
    if let Some(selected) = selected {
        all["selected_roleid"] = json!(selected);
    }
}

#[tokio::test]
async fn cis2_asks_for_two_factors_and_takes_nothing_less() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let asked = leave(&mut Browser::new(&server), "/account").await;
    assert_eq!(asked["acr_values"], "AAL2_OR_AAL3_ANY");
    assert_eq!(
        asked["scope"],
        "openid profile email nhsperson nationalrbacaccess associatedorgs selectedrole"
    );
    for acr in ["AAL1_USERPASS", "", "AAL9"] {
        let one = |all: &mut Value| cis2(all, acr, json!([role("11", "RX1")]), Some("11"));
        let page = come_back(&mut Browser::new(&server), &provider, "/account", one).await;
        assert_eq!(page.status, 401, "{acr}");
    }
    let good = |all: &mut Value| cis2(all, "AAL2_TOTP", json!([role("11", "RX1")]), Some("11"));
    let (_, access, _) = signed_in(&server, &provider, good).await;
    let who = server.get(WHOAMI, &access).await.ok();
    assert_eq!(who["user_id"], "@555000000001:riverside.example");
    let expected = json!({ "id": "11", "code": "S8000:G8000:R8001", "name": "Nurse <A>", "ods": "RX1" });
    assert_eq!(who["org.wardline.role"], expected);
    let (_, detail) = audited(&server, "session.sign-in").pop().unwrap();
    for (name, value) in [("assurance", "aal2"), ("role", "S8000:G8000:R8001"), ("ods", "RX1")] {
        assert_eq!(detail[name], value, "{name}");
    }
    let (_, detail) = audited(&server, "session.sign-in").remove(0);
    assert_eq!(detail["why"], "acr");
}

#[tokio::test]
async fn cis2_roles_at_two_organisations_make_the_person_choose() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let client = register(&server).await;
    let path = authorize_path(&client, &[]);
    let two = |all: &mut Value| {
        cis2(all, "AAL3_ANY", json!([role("11", "RX1"), role("12", "RX2")]), Some("12"));
    };
    let mut browser = Browser::new(&server);
    let page = come_back(&mut browser, &provider, &path, two).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("Choose your role") && page.html.contains("Nurse &lt;A&gt;"), "{}", page.html);
    assert!(page.html.find("at RX2") < page.html.find("at RX1"), "the one chosen at CIS2 is first");
    // Not one of theirs; and the ticket is spent by it.
    let wrong = browser.fill(&page, "/oauth/login", &[("choice", "13")]).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(browser.fill(&page, "/oauth/login", &[("choice", "11")]).await.status, 401);
    let page = come_back(&mut browser, &provider, &path, two).await;
    let chosen = browser.fill(&page, "/oauth/login", &[("choice", "11")]).await;
    assert_eq!(chosen.location(), path);
    let (_, access, _) = finish(&server, &mut browser, client, &path).await;
    assert_eq!(server.get(WHOAMI, &access).await.ok()["org.wardline.role"]["ods"], "RX1");
    // Not in order: no session.
    for roles in [json!([]), json!("x"), json!([{ "org_code": "RX1" }])] {
        let bad = |all: &mut Value| cis2(all, "AAL3_ANY", roles, Some("11"));
        assert_eq!(come_back(&mut Browser::new(&server), &provider, "/account", bad).await.status, 401);
    }
}

#[tokio::test]
async fn cis2_another_role_is_taken_by_proving_again_who_one_is() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let with = |selected: &'static str| {
        let roles = json!([role("11", "RX1"), role("12", "RX1")]);
        move |all: &mut Value| cis2(all, "AAL3_ANY", roles, Some(selected))
    };
    let (client, first, _) = signed_in(&server, &provider, with("11")).await;
    let role_of = async |token: &str| server.get(WHOAMI, token).await.ok()["org.wardline.role"]["id"].clone();
    assert_eq!(role_of(&first).await, "11");
    server.clock.advance(60 * 60 * 1000);
    // The application asks for a proof that is new: being signed in at CIS2 still is not one.
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client, &[("max_age", "0")]);
    assert_eq!(leave(&mut browser, &path).await["prompt"], "login");
    let later = |old: bool| {
        let change = with("12");
        move |all: &mut Value| {
            change(all);
            for claim in ["exp", "iat", "auth_time"] {
                let late = if old && claim == "auth_time" { 0 } else { 60 * 60 };
                all[claim] = json!(all[claim].as_i64().unwrap() + late);
            }
        }
    };
    let back = come_back(&mut browser, &provider, &path, later(true)).await;
    assert_eq!(back.status, 401, "the sign-in at CIS2 is an hour old");
    let back = come_back(&mut browser, &provider, &path, later(false)).await;
    assert_eq!(back.location(), path);
    let (_, second, _) = finish(&server, &mut browser, client, &path).await;
    // The same device, in the other role; the session in the first one is over.
    assert_eq!(role_of(&second).await, "12");
    server.get(WHOAMI, &first).await.refused(401, "M_UNKNOWN_TOKEN");
    let mut roles: Vec<_> = audited(&server, "session.sign-in")
        .into_iter()
        .filter(|(outcome, _)| outcome == "success")
        .map(|(_, detail)| detail["role_id"].clone())
        .collect();
    roles.dedup();
    assert_eq!(roles, ["11", "12"]);
}

#[tokio::test]
async fn cis2_a_role_that_is_taken_away_ends_the_session() {
    let (server, provider) = house(Profile::Cis2, None, |_| {}).await;
    let says = |roles: Value| {
        let info = json!({ "sub": "sub-1", "nhsid_useruid": "555000000001", "nhsid_nrbac_roles": roles,
            "selected_roleid": "11" });
        provider.says.lock().user_info = info;
    };
    says(json!([role("11", "RX1")]));
    let (_, access, _) = signed_in(&server, &provider, |all| all["acr"] = json!("AAL3_ANY")).await;
    server.clock.advance(5 * 60 * 1000);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
    says(json!([role("12", "RX1")]));
    server.clock.advance(5 * 60 * 1000);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 1);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn cis2_believes_nothing_wrong() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let one = || json!([role("11", "RX1")]);
    believes_nothing_wrong(&server, &provider, &|all| cis2(all, "AAL3_ANY", one(), Some("11"))).await;
    let broken = |name: &str, value: Value| {
        let mut role = role("11", "RX1");
        role[name] = value;
        json!([role])
    };
    for (why, acr, roles, selected) in [
        ("acr", "AAL1_USERPASS", one(), Some("11")),
        ("acr", "AAL2_OR_AAL3_ANY", one(), Some("11")),
        ("acr", "aal3_any", one(), Some("11")),
        ("roles_none", "AAL3_ANY", json!([]), None),
        ("roles_malformed", "AAL3_ANY", Value::Null, None),
        ("roles_malformed", "AAL3_ANY", broken("role_code", json!("R8001")), Some("11")),
        ("roles_malformed", "AAL3_ANY", broken("org_code", json!("not a code")), Some("11")),
        ("roles_malformed", "AAL3_ANY", json!([role("11", "RX1"), role("11", "RX2")]), Some("11")),
        ("role_unknown", "AAL3_ANY", one(), Some("12")),
        ("role_unknown", "AAL3_ANY", one(), Some("")),
    ] {
        let change = |all: &mut Value| cis2(all, acr, roles, selected);
        assert_eq!(refusal(&server, &provider, change).await, why);
    }
    let nobody = |all: &mut Value| {
        cis2(all, "AAL3_ANY", one(), Some("11"));
        all.as_object_mut().unwrap().remove("nhsid_useruid");
    };
    assert_eq!(refusal(&server, &provider, nobody).await, "claim_subject");
}

#[tokio::test]
async fn cis2_userinfo_neither_raises_the_level_nor_speaks_of_another_person() {
    let (server, provider) = house(Profile::Cis2, None, |_| {}).await;
    let says = |sub: &str| {
        let mut info = json!({ "sub": sub });
        cis2(&mut info, "AAL3_ANY", json!([role("11", "RX1")]), Some("11"));
        provider.says.lock().user_info = info;
    };
    says("sub-1");
    assert_eq!(refusal(&server, &provider, |all| all["acr"] = json!("AAL1_USERPASS")).await, "acr");
    says("sub-2");
    assert_eq!(refusal(&server, &provider, |all| all["acr"] = json!("AAL3_ANY")).await, "userinfo_subject");
    says("sub-1");
    signed_in(&server, &provider, |all| all["acr"] = json!("AAL3_ANY")).await;
}

#[tokio::test]
async fn cis2_the_choice_of_a_role_belongs_to_one_browser_and_ends() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let two = |all: &mut Value| cis2(all, "AAL3_ANY", json!([role("11", "RX1"), role("12", "RX2")]), None);
    let mut browser = Browser::new(&server);
    let page = come_back(&mut browser, &provider, "/account", two).await;
    // Another browser has the ticket: it opens nothing there, and is not spent by that.
    let mut other = Browser::new(&server);
    let own = other.get("/account").await;
    let csrf = own.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap();
    let mut stolen = page.hidden();
    stolen.retain(|(name, _)| name != "csrf");
    stolen.extend([csrf, ("choice".to_owned(), "11".to_owned())]);
    assert_eq!(other.post("/oauth/login", &stolen).await.status, 401);
    let chosen = browser.fill(&page, "/oauth/login", &[("choice", "11")]).await;
    assert_eq!(chosen.location(), "/account");
    let mut late = Browser::new(&server);
    let page = come_back(&mut late, &provider, "/account", two).await;
    server.clock.advance(15 * 60 * 1000);
    assert_eq!(late.fill(&page, "/oauth/login", &[("choice", "11")]).await.status, 401);
}
