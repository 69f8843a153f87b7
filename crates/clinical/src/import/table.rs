//! A table (CSV): staff, places, roles, teams or a rota, told apart by the names of the columns.
//!
//! Every row becomes a FHIR resource and is written as one of a bundle is. What is wrong is told by line and column.

use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wardline_domain::{Timestamp, care::rota::local_instant};

use super::{
    ImportMode, ImportReport,
    bundle::{Columns, FALLBACK, Positioned},
};
use crate::{Clinical, ClinicalError, TimeZone};

/// What a table is of, with the column that only this kind has and all its columns.
struct Kind {
    resource: &'static str,
    /// The column by which it is known.
    mark: &'static str,
    /// Every column that it may have.
    columns: &'static [&'static str],
    /// Those without which a row means nothing.
    needed: &'static [&'static str],
    /// The column behind an element of the resource.
    places: &'static [(&'static str, &'static str)],
}

const KINDS: [Kind; 5] = [
    Kind {
        resource: "Practitioner",
        mark: "family",
        columns: &["id", "family", "given", "title", "job", "registration_system", "registration_number"],
        needed: &["id", "family"],
        places: &[
            ("id", "id"),
            ("name", "family"),
            ("Practitioner.id", "id"),
            ("identifier", "registration_number"),
        ],
    },
    Kind {
        resource: "PractitionerRole",
        mark: "start",
        columns: &["id", "person", "role", "ward", "start", "end", "deputy"],
        needed: &["person", "start", "end"],
        places: &[
            ("id", "id"),
            ("practitioner", "person"),
            ("healthcareService[", "role"),
            ("healthcareService", "role or ward"),
            ("location", "ward"),
            ("period.start", "start"),
            ("period", "start and end"),
        ],
    },
    Kind {
        resource: "HealthcareService",
        mark: "wards",
        columns: &["id", "name", "wards", "phone", "fallback", "kind", "organisation"],
        needed: &["id", "name"],
        places: &[
            ("id", "id"),
            ("location", "wards"),
            ("extension(role-fallback)", "fallback"),
            ("providedBy", "organisation"),
        ],
    },
    Kind {
        resource: "CareTeam",
        mark: "people",
        columns: &["id", "name", "people", "roles"],
        needed: &["id", "name"],
        places: &[("id", "id"), ("name", "name"), ("participant", "people or roles")],
    },
    Kind {
        resource: "Location",
        mark: "part_of",
        columns: &["id", "kind", "name", "code", "part_of", "organisation", "description"],
        needed: &["id", "kind", "name"],
        places: &[
            ("id", "id"),
            ("physicalType", "kind"),
            ("partOf", "part_of"),
            ("managingOrganization", "organisation"),
        ],
    },
];

/// The column of a kind of resource that is behind the element at `path`.
fn column(kind: &'static Kind, path: &str) -> Option<&'static str> {
    kind.places.iter().find(|(element, _)| path.starts_with(element)).map(|it| it.1)
}

const COLUMNS: [Columns; 5] = [
    |path| column(&KINDS[0], path),
    |path| column(&KINDS[1], path),
    |path| column(&KINDS[2], path),
    |path| column(&KINDS[3], path),
    |path| column(&KINDS[4], path),
];

fn names(line: &str) -> (u8, Vec<String>) {
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|d| line.bytes().filter(|b| b == d).count());
    let delimiter = delimiter.unwrap_or(b',');
    let name = |name: &str| name.trim().trim_matches('"').to_lowercase().replace(' ', "_");
    (delimiter, line.split(char::from(delimiter)).map(name).collect())
}

/// Whether a text is a table that the import knows: its first line names the columns of one.
pub(super) fn is_table(text: &str) -> bool {
    let (_, names) = names(text.lines().next().unwrap_or_default());
    KINDS.iter().any(|kind| names.iter().any(|name| name == kind.mark))
}

impl Clinical {
    /// Imports a table in one transaction.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] for columns that are not those of one kind, [`ClinicalError::ImportRefused`] for a strict
    /// import with problems, or a failure of the store.
    pub async fn import_table(&self, text: &str, mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        let (delimiter, names) = names(text.lines().next().unwrap_or_default());
        let found = KINDS.iter().position(|kind| names.iter().any(|name| name == kind.mark));
        let at =
            found.ok_or_else(|| ClinicalError::invalid("line 1", "names no columns of a known table"))?;
        let kind = &KINDS[at];
        for (index, name) in names.iter().enumerate() {
            if !kind.columns.contains(&name.as_str()) || names[..index].contains(name) {
                let known = kind.columns.join(", ");
                let problem = format!("column {} is unknown or named twice; there are {known}", index + 1);
                return Err(ClinicalError::invalid("line 1", problem));
            }
        }
        if let Some(missing) = kind.needed.iter().find(|needed| !names.iter().any(|name| name == *needed)) {
            return Err(ClinicalError::invalid("line 1", format!("has no column {missing}")));
        }
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(text.as_bytes());
        let mut report = ImportReport::default();
        let mut resources = Vec::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    report.problem(format!("line {line}"), "cannot be read as a row");
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let position = format!("line {line}");
            let row = Row { kind, names: &names, record: &record, zone: &self.parts.zone };
            match row
                .resource()
                .and_then(|it| serde_json::from_value(it).map_err(|_| ("id", "is not a row".into())))
            {
                Ok(resource) => resources.push(Positioned { position, resource, columns: Some(COLUMNS[at]) }),
                Err((column, problem)) => report.problem(position, format!("column {column}: {problem}")),
            }
        }
        self.write_resources(resources, report, mode, "table").await
    }
}

struct Row<'a> {
    kind: &'static Kind,
    names: &'a [String],
    record: &'a StringRecord,
    zone: &'a TimeZone,
}

type Wrong = (&'static str, String);

impl Row<'_> {
    fn get(&self, column: &str) -> Option<&str> {
        let at = self.names.iter().position(|name| name == column)?;
        self.record.get(at).filter(|text| !text.is_empty())
    }

    fn need(&self, column: &'static str) -> Result<&str, Wrong> {
        self.get(column).ok_or((column, "is empty".to_owned()))
    }

    fn list(&self, column: &str) -> impl Iterator<Item = &str> {
        self.get(column)
            .into_iter()
            .flat_map(|all| all.split([';', '|']))
            .map(str::trim)
            .filter(|it| !it.is_empty())
    }

    fn instant(&self, column: &'static str) -> Result<Timestamp, Wrong> {
        local_instant(self.zone, self.need(column)?).map_err(|error| (column, error.to_string()))
    }

    fn resource(&self) -> Result<Value, Wrong> {
        if self.record.len() != self.names.len() {
            let problem =
                format!("the row has {} columns instead of {}", self.record.len(), self.names.len());
            return Err((self.kind.mark, problem));
        }
        let mut json = match self.kind.resource {
            "Practitioner" => self.practitioner()?,
            "PractitionerRole" => self.shift()?,
            "HealthcareService" => self.service()?,
            "CareTeam" => self.team()?,
            _ => self.location()?,
        };
        json["resourceType"] = self.kind.resource.into();
        Ok(json)
    }

    fn practitioner(&self) -> Result<Value, Wrong> {
        let given: Vec<&str> = self.get("given").into_iter().collect();
        let title: Vec<&str> = self.get("title").into_iter().collect();
        let mut json = json!({
            "id": self.need("id")?,
            "name": [{ "family": self.need("family")?, "given": given, "prefix": title }],
        });
        if let Some(job) = self.get("job") {
            json["qualification"] = json!([{ "code": { "text": job } }]);
        }
        match (self.get("registration_system"), self.get("registration_number")) {
            (None, None) => {}
            (Some(system), Some(value)) => json["identifier"] = json!([{ "system": system, "value": value }]),
            (None, Some(_)) => return Err(("registration_system", "is empty".to_owned())),
            (Some(_), None) => return Err(("registration_number", "is empty".to_owned())),
        }
        Ok(json)
    }

    fn shift(&self) -> Result<Value, Wrong> {
        let (start, end) = (self.instant("start")?, self.instant("end")?);
        if end <= start {
            return Err(("end", "must lie after the start".to_owned()));
        }
        let (person, role, ward) = (self.need("person")?, self.get("role"), self.get("ward"));
        // The same row again is the same shift; who works it may change.
        let duty = match (role, ward) {
            (Some(role), None) => format!("role {role}"),
            (None, Some(ward)) => format!("ward {ward} {person}"),
            _ => return Err(("role", "either a role or a ward is needed".to_owned())),
        };
        let deputy = match self.get("deputy").map(str::to_lowercase).as_deref() {
            None | Some("no" | "false" | "0") => false,
            Some("yes" | "true" | "1") => true,
            Some(_) => return Err(("deputy", "is yes or no".to_owned())),
        };
        let id = match self.get("id") {
            Some(id) => id.to_owned(),
            None => shift_id("csv", &format!("{duty} {deputy} {}", start.as_millis())),
        };
        let mut json = json!({
            "id": id,
            "practitioner": { "reference": format!("Practitioner/{person}") },
            "period": { "start": start.to_instant(), "end": end.to_instant() },
        });
        if let Some(role) = role {
            json["healthcareService"] = json!([{ "reference": format!("HealthcareService/{role}") }]);
        }
        if let Some(ward) = ward {
            json["location"] = json!([{ "reference": format!("Location/{ward}") }]);
        }
        if deputy {
            json["code"] = json!([{ "coding": [{ "code": "deputy" }] }]);
        }
        Ok(json)
    }

    fn service(&self) -> Result<Value, Wrong> {
        let reference = |id: &str| json!({ "reference": format!("Location/{id}") });
        let mut json = json!({
            "id": self.need("id")?,
            "name": self.need("name")?,
            "location": self.list("wards").map(reference).collect::<Vec<_>>(),
        });
        if let Some(phone) = self.get("phone") {
            json["telecom"] = json!([{ "value": phone }]);
        }
        if let Some(fallback) = self.get("fallback") {
            let reference = json!({ "reference": format!("HealthcareService/{fallback}") });
            json["extension"] = json!([{ "url": FALLBACK, "valueReference": reference }]);
        }
        if let Some(kind) = self.get("kind") {
            json["type"] = json!([{ "coding": [{ "code": kind }] }]);
        }
        if let Some(organisation) = self.get("organisation") {
            json["providedBy"] = json!({ "reference": format!("Organization/{organisation}") });
        }
        Ok(json)
    }

    fn team(&self) -> Result<Value, Wrong> {
        let person = |id: &str| json!({ "member": { "reference": format!("Practitioner/{id}") } });
        let role = |id: &str| json!({ "role": [{ "coding": [{ "code": id }] }] });
        let members: Vec<Value> =
            self.list("people").map(person).chain(self.list("roles").map(role)).collect();
        Ok(json!({ "id": self.need("id")?, "name": self.need("name")?, "participant": members }))
    }

    fn location(&self) -> Result<Value, Wrong> {
        let kind = match self.need("kind")?.to_lowercase().as_str() {
            "site" => "si",
            "ward" => "wa",
            "bed" => "bd",
            _ => return Err(("kind", "is one of site, ward, bed".to_owned())),
        };
        let id = self.need("id")?;
        let mut json = json!({
            "id": id,
            "name": self.need("name")?,
            "identifier": [{ "value": self.get("code").unwrap_or(id) }],
            "physicalType": { "coding": [{ "code": kind }] },
        });
        if let Some(part_of) = self.get("part_of") {
            json["partOf"] = json!({ "reference": format!("Location/{part_of}") });
        }
        if let Some(organisation) = self.get("organisation") {
            json["managingOrganization"] = json!({ "reference": format!("Organization/{organisation}") });
        }
        if let Some(description) = self.get("description") {
            json["description"] = description.into();
        }
        Ok(json)
    }
}

/// An id for a shift that has none, the same for the same words.
pub(super) fn shift_id(from: &str, words: &str) -> String {
    let hash = hex::encode(Sha256::digest(words));
    format!("{from}-{}", hash.get(..24).unwrap_or(&hash))
}
