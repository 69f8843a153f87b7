//! Filters (RFC 7644 section 3.4.2.2).

use serde_json::{Map, Value};

use super::{
    ScimError,
    schema::{ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA},
    value::entry,
};

/// The longest filter, in bytes.
const MAX_BYTES: usize = 4096;
/// How deep expressions may be nested.
const MAX_DEPTH: usize = 16;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// One or both.
    Or(Box<Filter>, Box<Filter>),
    /// Not.
    Not(Box<Filter>),
    /// The attribute (names from the outside in) has a value.
    Present(Vec<String>),
    /// The attribute compares so with a value.
    Compare(Vec<String>, Operator, Value),
    /// One value of the attribute fits a filter.
    Has(Vec<String>, Box<Filter>),
}

fn bad(why: &str) -> ScimError {
    ScimError::InvalidFilter(why.to_owned())
}

/// Reads a filter.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Filter, ScimError> {
        if text.len() > MAX_BYTES {
            return Err(bad("is too long"));
        }
        let mut parser = Self { rest: text, depth: 0 };
        let filter = parser.or()?;
        if parser.rest.trim().is_empty() { Ok(filter) } else { Err(bad("has something after its end")) }
    }

    fn skip(&mut self, symbol: char) -> bool {
        match self.rest.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The next word, if it is this one.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some(head) = rest.get(..word.len()) else { return false };
        let after = &rest[word.len()..];
        let ends = after.starts_with([' ', '(', ')', ']']) || after.is_empty();
        if head.eq_ignore_ascii_case(word) && ends {
            self.rest = after;
            return true;
        }
        false
    }

    fn or(&mut self) -> Result<Filter, ScimError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(bad("is nested too deep"));
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, ScimError> {
        let mut left = self.term()?;
        while self.word("and") {
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Filter, ScimError> {
        if self.word("not") {
            if !self.skip('(') {
                return Err(bad("after not a parenthesis is needed"));
            }
            return Ok(Filter::Not(Box::new(self.closed(')')?)));
        }
        if self.skip('(') {
            return self.closed(')');
        }
        let path = self.path()?;
        if self.rest.starts_with('[') {
            self.rest = &self.rest[1..];
            return Ok(Filter::Has(path, Box::new(self.closed(']')?)));
        }
        if self.word("pr") {
            return Ok(Filter::Present(path));
        }
        let operators = [
            ("eq", Operator::Eq),
            ("ne", Operator::Ne),
            ("co", Operator::Co),
            ("sw", Operator::Sw),
            ("ew", Operator::Ew),
            ("gt", Operator::Gt),
            ("ge", Operator::Ge),
            ("lt", Operator::Lt),
            ("le", Operator::Le),
        ];
        let operator = operators.into_iter().find(|(name, _)| self.word(name));
        let (_, operator) = operator.ok_or_else(|| bad("an operator is missing"))?;
        Ok(Filter::Compare(path, operator, self.value()?))
    }

    fn closed(&mut self, end: char) -> Result<Filter, ScimError> {
        let filter = self.or()?;
        if self.skip(end) { Ok(filter) } else { Err(bad("a parenthesis is not closed")) }
    }

    fn path(&mut self) -> Result<Vec<String>, ScimError> {
        self.rest = self.rest.trim_start();
        let allowed = |c: char| c.is_ascii_alphanumeric() || ":.-_$".contains(c);
        let end = self.rest.find(|c| !allowed(c)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if text.is_empty() {
            return Err(bad("the name of an attribute is missing"));
        }
        Ok(names(text))
    }

    fn value(&mut self) -> Result<Value, ScimError> {
        let rest = self.rest.trim_start();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) if !value.is_object() && !value.is_array() => value,
            _ => return Err(bad("a value is missing, or is no JSON")),
        };
        self.rest = &rest[stream.byte_offset()..];
        Ok(value)
    }
}

/// The names of a path from the outside in; the core schemas' URNs are left out, the extension's is a name.
pub(super) fn names(text: &str) -> Vec<String> {
    for schema in [USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE_SCHEMA] {
        let Some(head) = text.get(..schema.len()) else { continue };
        if !head.eq_ignore_ascii_case(schema) {
            continue;
        }
        let rest = text[schema.len()..].trim_start_matches(':');
        let parts = rest.split('.').filter(|part| !part.is_empty()).map(str::to_owned);
        let outer = (schema == ENTERPRISE_SCHEMA).then(|| schema.to_owned());
        return outer.into_iter().chain(parts).collect();
    }
    text.split('.').map(str::to_owned).collect()
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`ScimError::InvalidFilter`].
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        Parser::parse(text)
    }

    /// Whether an object fits.
    #[must_use]
    pub fn fits(&self, object: &Map<String, Value>) -> bool {
        match self {
            Self::And(a, b) => a.fits(object) && b.fits(object),
            Self::Or(a, b) => a.fits(object) || b.fits(object),
            Self::Not(inner) => !inner.fits(object),
            Self::Present(path) => any(object, path, &|value| match value {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                Value::Object(map) => !map.is_empty(),
                _ => true,
            }),
            Self::Compare(path, Operator::Ne, wanted) => {
                !any(object, path, &|value| compare(path, value, Operator::Eq, wanted))
            }
            Self::Compare(path, operator, wanted) => {
                any(object, path, &|value| compare(path, value, *operator, wanted))
            }
            Self::Has(path, inner) => {
                any(object, path, &|value| value.as_object().is_some_and(|value| inner.fits(value)))
            }
        }
    }

    /// The values that a filter of plain equalities asks for, for an object that is made to fit it.
    pub(super) fn equalities(&self) -> Option<Vec<(String, Value)>> {
        match self {
            Self::Compare(path, Operator::Eq, value) if path.len() == 1 => {
                Some(vec![(path[0].clone(), value.clone())])
            }
            Self::And(a, b) => {
                let mut all = a.equalities()?;
                all.extend(b.equalities()?);
                Some(all)
            }
            _ => None,
        }
    }
}

/// Whether a value at the path fits; each value of a list is one.
fn any(object: &Map<String, Value>, path: &[String], fits: &dyn Fn(&Value) -> bool) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    let Some(value) = entry(object, name) else { return false };
    let one = |value: &Value| match (value, rest.is_empty()) {
        (Value::Object(inner), false) => any(inner, rest, fits),
        (_, false) => false,
        (value, true) => fits(value),
    };
    match value {
        Value::Array(values) => values.iter().any(one),
        single => one(single),
    }
}

/// Ids are compared exactly, other text whatever its letter case.
fn compare(path: &[String], value: &Value, operator: Operator, wanted: &Value) -> bool {
    // A complex value is compared by its `value`.
    if let Value::Object(object) = value {
        return entry(object, "value").is_some_and(|value| compare(path, value, operator, wanted));
    }
    match (value, wanted) {
        (Value::String(a), Value::String(b)) => {
            let exact = path.last().is_some_and(|name| {
                ["id", "externalid", "version", "value"].contains(&&*name.to_ascii_lowercase())
            }) && !path[0].eq_ignore_ascii_case("emails");
            if exact {
                return texts(a, operator, b);
            }
            texts(&a.to_lowercase(), operator, &b.to_lowercase())
        }
        (Value::Bool(a), Value::Bool(b)) => operator == Operator::Eq && a == b,
        // Entra ID asks for active eq "True".
        (Value::Bool(a), Value::String(b)) => {
            operator == Operator::Eq && b.eq_ignore_ascii_case(if *a { "true" } else { "false" })
        }
        (Value::Null, Value::Null) => operator == Operator::Eq,
        _ => false,
    }
}

fn texts(a: &str, operator: Operator, b: &str) -> bool {
    match operator {
        Operator::Eq => a == b,
        Operator::Ne => a != b,
        Operator::Co => a.contains(b),
        Operator::Sw => a.starts_with(b),
        Operator::Ew => a.ends_with(b),
        Operator::Gt => a > b,
        Operator::Ge => a >= b,
        Operator::Lt => a < b,
        Operator::Le => a <= b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(filter: &str) -> bool {
        let object = json!({
            "id": "Ab", "userName": "Amy", "active": true, "title": "",
            "name": { "familyName": "O'Neil" },
            "emails": [{ "type": "work", "value": "amy@x.example" }, { "type": "home", "value": "a@y.example" }],
            "meta": { "lastModified": "2026-11-22T12:00:00Z" },
            (ENTERPRISE_SCHEMA): { "department": "Ward 7" },
        });
        Filter::parse(filter).unwrap().fits(object.as_object().unwrap())
    }

    #[test]
    fn the_forms_of_the_specification() {
        for yes in [
            "userName eq \"amy\"",
            "USERNAME EQ \"AMY\"",
            "id eq \"Ab\"",
            "name.familyName co \"O'Neil\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"A\"",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ew \"7\"",
            "userName pr",
            "not (title pr)",
            "userName ne \"bob\"",
            "active eq true and userName eq \"amy\"",
            "userName eq \"x\" or (active eq true and not (userName eq \"x\"))",
            "emails[type eq \"work\" and value co \"@x\"]",
            "emails.type eq \"home\"",
            "emails eq \"a@y.example\"",
            "emails[type eq \"work\"]and active eq \"True\"",
            "meta.lastModified gt \"2026-01-01T00:00:00Z\"",
        ] {
            assert!(fits(yes), "{yes}");
        }
        for no in [
            "userName eq \"bob\"",
            "id eq \"ab\"",
            "missing pr",
            "active eq false",
            "emails[type eq \"work\" and value co \"@y\"]",
            "meta.lastModified lt \"2026-01-01T00:00:00Z\"",
            "userName eq \"x\" and active eq true or active eq false",
        ] {
            assert!(!fits(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_filter() {
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq amy",
            "userName is \"amy\"",
            "(userName eq \"amy\"",
            "userName eq \"amy\" \"bob\"",
            "emails[type eq \"work\"",
            "not userName pr",
            "userName eq {}",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        assert!(Filter::parse(&format!("{}a pr{}", "(".repeat(40), ")".repeat(40))).is_err());
    }
}
