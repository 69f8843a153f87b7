//! `docs/security.md` says which test holds which line: they exist.

use std::{collections::BTreeMap, fs, path::Path};

/// Every source file of the tree, by its path, with what stands in it.
fn sources(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<_> =
        ["crates", "conformance", "web/e2e"].iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "node_modules" && name != "target" {
                folders.push(path);
            } else if name.ends_with(".rs") || name.ends_with(".mjs") {
                let place = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(place, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// The last column of every row of tables whose last column is headed `test`.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut rows = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let Some(last) = line.trim().strip_suffix('|').and_then(|row| row.rsplit('|').next()) else {
            inside = false;
            continue;
        };
        match last.trim() {
            "test" => inside = true,
            rule if rule.starts_with("--") => {}
            tests if inside => rows.push((number + 1, tests.to_owned())),
            _ => {}
        }
    }
    rows
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = sources(&root);
    let rows = named(&fs::read_to_string(root.join("docs/security.md")).unwrap());
    assert!(rows.len() > 50, "the tables are found: {}", rows.len());
    let mut wrong = Vec::new();
    for (line, tests) in rows {
        let mut any = false;
        let words =
            tests.split(|c: char| c.is_whitespace() || ",;()`".contains(c)).filter(|word| !word.is_empty());
        for word in words {
            let exists = if word.ends_with(".rs") || word.ends_with(".mjs") {
                sources.keys().any(|path| path == word || path.ends_with(&format!("/{word}")))
            } else if word.matches('_').count() >= 2 {
                let (function, title) = (format!("fn {word}("), word.replace('_', " "));
                sources.values().any(|text| text.contains(&function) || text.contains(&title))
            } else {
                continue;
            };
            any = true;
            if !exists {
                wrong.push(format!("line {line}: {word}"));
            }
        }
        if !any {
            wrong.push(format!("line {line} names no test: {tests}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
