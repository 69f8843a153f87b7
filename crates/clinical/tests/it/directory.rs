//! Searching the directory as one types.

use std::{fmt::Write as _, sync::Arc};

use wardline_clinical::{EntryKind, ImportMode};

use crate::support::Hospital;

async fn found(it: &Hospital, query: &str) -> Vec<String> {
    let found = it.clinical.search_directory(query, &[], 10).await.unwrap();
    found.into_iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn people_roles_and_wards_are_found_as_one_types() {
    let it = Hospital::demo().await;
    assert_eq!(found(&it, "pri").await[0], "priya.raman");
    assert_eq!(found(&it, "whitfeild").await, ["hannah.whitfield"], "letters swapped");
    assert_eq!(found(&it, "medical reg").await[0], "medical-registrar");
    assert!(found(&it, "registrar nightingale").await.contains(&"medical-registrar".to_owned()));
    assert!(found(&it, "respiratory").await.contains(&"seacole".to_owned()), "by specialty");
    let people = it.clinical.search_directory("registrar", &[EntryKind::Practitioner], 10).await.unwrap();
    assert!(!people.is_empty() && people.iter().all(|it| it.kind == EntryKind::Practitioner));
    assert!(found(&it, "").await.is_empty());
}

#[tokio::test]
async fn what_was_imported_a_moment_ago_is_found() {
    let it = Hospital::demo().await;
    assert!(found(&it, "okafor").await.is_empty());
    let table = "id,family,given\namara.okafor,Okafor,Amara\n";
    it.clinical.import(table.as_bytes(), ImportMode::Strict).await.unwrap();
    assert_eq!(found(&it, "okafor").await, ["amara.okafor"]);
}

#[tokio::test]
async fn many_search_at_once_while_the_directory_is_indexed_once() {
    let it = Hospital::demo().await;
    let mut table = "id,family,given,job\n".to_owned();
    for n in 0..2000 {
        writeln!(table, "p{n},Family{n},Given{n},Staff nurse").unwrap();
    }
    it.clinical.import(table.as_bytes(), ImportMode::Strict).await.unwrap();
    let clinical = Arc::clone(&it.clinical);
    let searches = (0..20).map(|n| {
        let clinical = Arc::clone(&clinical);
        async move {
            clinical.search_directory(&format!("family{n} given{n}"), &[], 1).await.unwrap().remove(0).id
        }
    });
    let all: Vec<String> = futures(searches).await;
    assert_eq!(all, (0..20).map(|n| format!("p{n}")).collect::<Vec<_>>());
}

async fn futures(all: impl Iterator<Item = impl Future<Output = String> + Send + 'static>) -> Vec<String> {
    let tasks: Vec<_> = all.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}
