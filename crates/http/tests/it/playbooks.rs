//! Playbooks listed, read, checked, simulated, saved and withdrawn over HTTP.

use serde_json::{Value, json};

use crate::{
    fhir::{Hospital, hospital},
    support::{Answer, PASSWORD, text},
};

const PATH: &str = "/_wardline/client/v1/playbooks";

async fn managed() -> (Hospital, String) {
    let it = hospital().await;
    it.server.identity.create_account("dev.patel", Some(PASSWORD), false).await.unwrap();
    let manager = it.server.token("dev.patel").await;
    (it, manager)
}

fn draft(id: &str) -> Value {
    json!({
        "id": id,
        "title": "Pharmacy at night",
        "description": null,
        "classes": ["action"],
        "steps": [
            { "ask": { "addressed": true }, "wait": "30m" },
            { "ask": [{ "role": "outreach" }], "wait": "10m", "when": { "days": ["weekend"] } },
            { "ask": { "role": "site-manager" }, "wait": "30m", "must_act": true },
        ],
    })
}

#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> String {
    assert_eq!(
        (answer.status.as_u16(), text(&answer.body, "errcode").as_str()),
        (status, code),
        "{}",
        answer.body
    );
    text(&answer.body, "error")
}

#[tokio::test]
async fn a_playbook_is_saved_with_its_versions_and_withdrawn() {
    let (it, manager) = managed().await;
    let put = async |token: &str, body: Value| {
        it.server.call(&format!("PUT {PATH}/pharmacy-night"), token, body).await
    };
    let first = || json!({ "playbook": draft("pharmacy-night") });
    refused(put(&it.nurse, first()).await, 403, "M_FORBIDDEN");
    let saved = put(&manager, first()).await.ok();
    assert_eq!(
        (saved["version"].as_u64(), saved["changed_by"].as_str()),
        (Some(1), Some("@dev.patel:riverside.example"))
    );
    assert_eq!(put(&manager, first()).await.ok()["version"], 1, "the same again");
    let mut longer = draft("pharmacy-night");
    longer["steps"][0]["wait"] = json!("1h");
    let late = put(&manager, json!({ "playbook": longer })).await;
    refused(late, 409, "ORG.WARDLINE.CONFLICT");
    assert_eq!(put(&manager, json!({ "playbook": longer, "version": 1 })).await.ok()["version"], 2);

    let read = it.server.get(&format!("{PATH}/pharmacy-night"), &it.nurse).await.ok();
    assert_eq!((read["version"].as_u64(), read["versions"].as_array().unwrap().len()), (Some(2), 2));
    assert_eq!(read["playbook"]["steps"][0]["wait"], "1h");
    assert!(text(&read, "source").contains("must_act = true"));
    let again = json!({ "source": read["source"], "version": 2 });
    assert_eq!(put(&manager, again).await.ok()["version"], 2, "its own text is the same playbook");
    let old = it.server.get(&format!("{PATH}/pharmacy-night?version=1"), &it.nurse).await.ok();
    assert_eq!(old["playbook"]["steps"][0]["wait"], "30m");
    let list = it.server.get(PATH, &it.nurse).await.ok();
    assert_eq!(list["may_edit"], false);
    let ids: Vec<String> = list["playbooks"].as_array().unwrap().iter().map(|it| text(it, "id")).collect();
    assert_eq!(ids, ["deteriorating-patient", "pharmacy-night"]);
    assert_eq!(list["playbooks"][1]["steps"], 3);
    assert_eq!(list["playbooks"][0]["changed_by"], "system:import");

    let delete = async |token: &str, query: &str| {
        it.server.call(&format!("DELETE {PATH}/pharmacy-night{query}"), token, Value::Null).await
    };
    refused(delete(&it.nurse, "?version=2").await, 403, "M_FORBIDDEN");
    refused(delete(&manager, "").await, 400, "M_MISSING_PARAM");
    refused(delete(&manager, "?version=1").await, 409, "ORG.WARDLINE.CONFLICT");
    delete(&manager, "?version=2").await.ok();
    refused(delete(&manager, "?version=3").await, 404, "M_NOT_FOUND");
    refused(it.server.get(&format!("{PATH}/pharmacy-night"), &it.nurse).await, 404, "M_NOT_FOUND");
    let kept = it.server.get(&format!("{PATH}/pharmacy-night?version=2"), &it.nurse).await.ok();
    assert_eq!(
        (kept["versions"][0]["withdrawn"].as_bool(), kept["versions"].as_array().unwrap().len()),
        (Some(true), 3)
    );
    assert_eq!(
        put(&manager, json!({ "playbook": longer, "version": 3 })).await.ok()["version"],
        4,
        "and back"
    );
}

#[tokio::test]
async fn a_running_request_keeps_the_plan_that_it_began_with() {
    let (it, manager) = managed().await;
    let raised = it.put(it.task().await).await;
    assert_eq!(raised.status, 201);
    let read = it.server.get(&format!("{PATH}/deteriorating-patient"), &manager).await.ok();
    let mut playbook = read["playbook"].clone();
    playbook["steps"] = json!([
        { "ask": { "addressed": true }, "wait": "1m" },
        { "ask": { "role": "outreach" }, "wait": "1m", "must_act": true },
    ]);
    let save = json!({ "playbook": playbook, "version": read["version"] });
    it.server.call(&format!("PUT {PATH}/deteriorating-patient"), &manager, save).await.ok();
    let now = it.get(&format!("Task/{}", crate::fhir::ID)).await.ok();
    assert_eq!(now["extension"], raised.body["extension"], "the same next step at the same time");
}

#[tokio::test]
async fn drafts_are_checked_and_simulated_before_they_are_saved() {
    let (it, manager) = managed().await;
    let post =
        async |name: &str, body: Value| it.server.call(&format!("POST {PATH}/{name}"), &it.nurse, body).await;
    let checked = post("check", json!({ "playbook": draft("x") })).await.ok();
    assert_eq!((checked["valid"].as_bool(), checked["longest_ms"].as_i64()), (Some(true), Some(40 * 60_000)));
    let mut wrong = draft("x");
    wrong["steps"][1]["wait"] = json!("soon");
    let checked = post("check", json!({ "playbook": wrong })).await.ok();
    assert_eq!(checked["valid"], false);
    assert_eq!(
        (checked["problems"][0]["step"].as_u64(), checked["problems"][0]["field"].as_str()),
        (Some(2), Some("wait"))
    );
    wrong["steps"][1] = json!({ "ask": { "role": "juggler" }, "wait": "5m" });
    let checked = post("check", json!({ "playbook": wrong })).await.ok();
    assert!(
        checked["problems"]
            .as_array()
            .unwrap()
            .contains(&json!({ "kind": "unknown", "reference": "HealthcareService/juggler" }))
    );
    wrong["steps"][1]["ask"]["role"] = json!("anaesthetist");
    let checked = post("check", json!({ "playbook": wrong })).await.ok();
    let uncovered =
        checked["problems"].as_array().unwrap().iter().find(|it| it["name"] == "Anaesthetist on call");
    assert_eq!(uncovered.unwrap()["kind"], "uncovered");

    let save = async |body: Value| it.server.call(&format!("PUT {PATH}/x"), &manager, body).await;
    wrong["steps"][1]["ask"]["role"] = json!("juggler");
    assert!(refused(save(json!({ "playbook": wrong })).await, 400, "M_INVALID_PARAM").contains("juggler"));
    wrong["steps"][1]["repeat"] = json!(99);
    let error = refused(save(json!({ "playbook": wrong })).await, 400, "M_INVALID_PARAM");
    assert!(error.starts_with("playbook.steps[1].repeat"), "{error}");
    let mut endless = draft("x");
    endless["steps"][2]["must_act"] = json!(false);
    let error = refused(save(json!({ "playbook": endless })).await, 400, "M_INVALID_PARAM");
    assert!(error.starts_with("playbook.steps[2].must_act"), "somebody must act: {error}");
    refused(save(json!({ "playbook": draft("y") })).await, 400, "M_INVALID_PARAM");
    refused(save(json!({ "source": "id = [" })).await, 400, "M_INVALID_PARAM");
    refused(save(json!({ "source": "x", "playbook": {} })).await, 400, "M_BAD_JSON");
    refused(save(json!({ "playbook": [1] })).await, 400, "M_INVALID_PARAM");
    assert_eq!(
        it.server.get(PATH, &it.nurse).await.ok()["playbooks"].as_array().unwrap().len(),
        1,
        "nothing was saved"
    );

    let simulate = async |to: &str, class: &str| {
        post("simulate", json!({ "playbook": draft("x"), "to": to, "class": class, "ward": "nightingale" }))
            .await
    };
    let run = simulate("HealthcareService/medical-registrar", "action").await.ok();
    let timeline = run["timeline"].as_array().unwrap();
    assert_eq!(timeline[0]["name"], "Dr Priya Raman");
    assert_eq!(timeline[1]["passed_over"], "not-now", "it is a Friday");
    assert_eq!((timeline[2]["step"].as_u64(), timeline[2]["person"].as_str()), (Some(3), Some("dev.patel")));
    refused(simulate("HealthcareService/medical-registrar", "urgent").await, 400, "M_INVALID_PARAM");
    refused(simulate("medical-registrar", "action").await, 400, "M_INVALID_PARAM");
    refused(simulate("HealthcareService/nobody", "action").await, 400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn the_app_is_told_what_one_may_change() {
    let (it, manager) = managed().await;
    let editing = async |token: &str| it.server.get("/_wardline/client/v1/editing", token).await.ok();
    assert_eq!(editing(&it.nurse).await, json!({ "rota": false, "playbooks": false }));
    assert_eq!(editing(&manager).await, json!({ "rota": true, "playbooks": true }));
}
