//! A playbook as JSON of the same shape as its TOML, for editors that write no TOML.

use serde_json::Value;

use super::{Playbook, PlaybookError};

impl Playbook {
    /// The file as JSON: the same keys.
    ///
    /// # Errors
    /// [`PlaybookError::Syntax`] if the text is not TOML.
    pub fn to_json(text: &str) -> Result<Value, PlaybookError> {
        let syntax = |error: &dyn std::fmt::Display| PlaybookError::Syntax(error.to_string());
        let table: toml::Table = toml::from_str(text).map_err(|error| syntax(&error))?;
        serde_json::to_value(table).map_err(|error| syntax(&error))
    }

    /// The TOML file of JSON of its shape; members that are null count as left out. It is not checked: [`Playbook::parse`]
    /// does that.
    ///
    /// # Errors
    /// [`PlaybookError::Syntax`] if it is no object, or holds what TOML has not.
    pub fn from_json(json: &Value) -> Result<String, PlaybookError> {
        let syntax = |error: &dyn std::fmt::Display| PlaybookError::Syntax(error.to_string());
        let json = without_nulls(json);
        if !json.is_object() {
            return Err(PlaybookError::Syntax("must be an object".to_owned()));
        }
        let table = toml::Table::try_from(json).map_err(|error| syntax(&error))?;
        toml::to_string(&table).map_err(|error| syntax(&error))
    }
}

fn without_nulls(json: &Value) -> Value {
    match json {
        Value::Object(all) => {
            let kept = all.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
        }
        Value::Array(all) => all.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
