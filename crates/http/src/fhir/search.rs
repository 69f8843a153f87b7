//! Searching: parameters and searchset bundles (<https://hl7.org/fhir/R4/search.html>).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardline_clinical::TimeZone;
use wardline_domain::Timestamp;

use super::{
    exchange::{Fhir, Parameters},
    include,
    outcome::Refusal,
};

/// Most resources of one page.
const MAX_COUNT: usize = 500;

/// The parameters of one search, taken one by one; what is left in the end is not understood.
#[derive(Debug)]
pub(crate) struct Search {
    kind: &'static str,
    left: BTreeMap<String, String>,
    kept: BTreeMap<String, String>,
    count: usize,
    offset: usize,
    includes: Vec<(&'static str, &'static str)>,
}

impl Search {
    /// Begins with the paging parameters `_count` (at most 500, also the default) and `_offset`, and with `_include`.
    pub(crate) fn of(kind: &'static str, parameters: Parameters) -> Result<Self, Refusal> {
        let mut search = Self {
            kind,
            left: parameters.0,
            kept: BTreeMap::new(),
            count: MAX_COUNT,
            offset: 0,
            includes: Vec::new(),
        };
        if search.left.remove("_format").is_some_and(|f| !f.contains("json")) {
            return Err(Refusal::invalid("_format", "only JSON is served"));
        }
        search.count = search.number("_count")?.unwrap_or(MAX_COUNT).min(MAX_COUNT);
        search.kept.remove("_count");
        search.offset = search.number("_offset")?.unwrap_or(0);
        search.kept.remove("_offset");
        let wanted = search.text("_include").unwrap_or_default();
        for wanted in wanted.split(',').filter(|wanted| !wanted.is_empty()) {
            search.includes.push(include::find(kind, wanted)?);
        }
        Ok(search)
    }

    fn number(&mut self, name: &str) -> Result<Option<usize>, Refusal> {
        let number = self.text(name).map(|text| text.parse::<u32>()).transpose();
        let number = number.map_err(|_| Refusal::invalid(name, "must be a whole number"))?;
        Ok(number.and_then(|n| usize::try_from(n).ok()))
    }

    /// Takes a parameter as it is.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.left.remove(name)?;
        self.kept.insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// Takes a token `system|value`, `|value` or `value`: the system, if it is named, and the value.
    pub(crate) fn token(&mut self, name: &str) -> Option<(Option<String>, String)> {
        let text = self.text(name)?;
        Some(match text.split_once('|') {
            Some((system, value)) => (Some(system.to_owned()).filter(|it| !it.is_empty()), value.to_owned()),
            None => (None, text),
        })
    }

    /// Takes a text by which names are looked for: what begins with it, in any case.
    pub(crate) fn words(&mut self, name: &str) -> Option<String> {
        self.text(name).map(|text| text.trim().to_lowercase())
    }

    /// Takes a reference, given as `Type/id` or only the id.
    pub(crate) fn reference(&mut self, name: &str, kind: &str) -> Result<Option<String>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.split_once('/') {
            None => Ok(Some(text)),
            Some((said, id)) if said == kind => Ok(Some(id.to_owned())),
            Some(_) => Err(Refusal::invalid(name, format!("must refer to a {kind}"))),
        }
    }

    /// Takes an instant; `now` stands for the present one.
    pub(crate) fn instant(&mut self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        match self.text(name).as_deref() {
            None => Ok(None),
            Some("now") => Ok(Some(now)),
            Some(text) => Timestamp::from_instant(text)
                .map(Some)
                .ok_or_else(|| Refusal::invalid(name, "must be \"now\" or an instant with time zone")),
        }
    }

    /// Takes an instant (`now` for the present one), or with `ge` before it one from which on something is: one of the two.
    pub(crate) fn instant_or_since(
        &mut self,
        name: &str,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
        let since = self.left.get(name).and_then(|text| text.strip_prefix("ge").map(ToOwned::to_owned));
        let Some(since) = since else { return Ok((self.instant(name, now)?, None)) };
        self.text(name);
        let wrong =
            || Refusal::invalid(name, "must be \"now\" or an instant with time zone, after ge if need be");
        let since = if since == "now" { Some(now) } else { Timestamp::from_instant(&since) };
        since.map(|since| (None, Some(since))).ok_or_else(wrong)
    }

    /// Takes a period, `ge` and `le` or `lt` each with an instant or a date (`YYYY-MM-DD`, by the clocks of `zone`), one or both
    /// with a comma between: from when on, and before when.
    pub(crate) fn period(
        &mut self,
        name: &str,
        zone: &TimeZone,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
        let (mut from, mut until) = (None, None);
        let Some(text) = self.text(name) else { return Ok((from, until)) };
        for part in text.split(',') {
            let wrong =
                || Refusal::invalid(name, "must be ge, le or lt with a date or an instant, or two of them");
            let (prefix, when) = part.split_at_checked(2).ok_or_else(wrong)?;
            let (begin, end) = span(when, zone).ok_or_else(wrong)?;
            let place = if prefix == "ge" { &mut from } else { &mut until };
            let bound = match prefix {
                "ge" | "lt" => begin,
                "le" => end,
                _ => return Err(wrong()),
            };
            if place.replace(bound).is_some() {
                return Err(wrong());
            }
        }
        Ok((from, until))
    }

    /// Refuses parameters that nobody took: a filter that is ignored would answer another question.
    pub(crate) fn end(self) -> Result<Page, Refusal> {
        match self.left.into_keys().next() {
            Some(name) => Err(Refusal::invalid(name, "this search parameter is not supported; see metadata")),
            None => {
                let Self { kind, kept, count, offset, includes, .. } = self;
                Ok(Page { kind, kept, count, offset, includes })
            }
        }
    }
}

/// When an instant or a day begins, and the first instant after it.
fn span(when: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    if let Some(at) = Timestamp::from_instant(when) {
        return Some((at, at.plus_millis(1)));
    }
    let day: jiff::civil::Date = when.parse().ok().filter(|_| when.len() == 10)?;
    let begin = |day: jiff::civil::Date| {
        Some(Timestamp(day.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()))
    };
    Some((begin(day)?, begin(day.tomorrow().ok()?)?))
}

/// Which part of the result is wanted.
#[derive(Debug)]
pub(crate) struct Page {
    kind: &'static str,
    kept: BTreeMap<String, String>,
    count: usize,
    offset: usize,
    includes: Vec<(&'static str, &'static str)>,
}

/// Whether one of these texts, or a word in it, begins with what is looked for.
pub(crate) fn begins(texts: &[&str], wanted: &str) -> bool {
    texts.iter().any(|text| {
        let text = text.to_lowercase();
        text.starts_with(wanted) || text.split([' ', '-', '.', ',']).any(|word| word.starts_with(wanted))
    })
}

impl Page {
    /// What is to be included: search parameter and place of the references in a resource.
    pub(crate) fn includes(&self) -> &[(&'static str, &'static str)] {
        &self.includes
    }

    /// The searchset of this page of `all`; `render` is called for what is on it only.
    pub(crate) fn of<T>(
        &self,
        all: &[T],
        render: impl Fn(&T) -> Result<Value, Refusal>,
    ) -> Result<Fhir, Refusal> {
        let shown: Vec<&T> = all.iter().skip(self.offset).take(self.count).collect();
        self.part(&shown, all.len(), |it| render(it))
    }

    /// Which of all that fit are on this page: from which on, and how many at most.
    pub(crate) fn span(&self) -> (usize, usize) {
        (self.offset, self.count)
    }

    /// The searchset of what is on this page, of `total` in all.
    pub(crate) fn part<T>(
        &self,
        shown: &[T],
        total: usize,
        render: impl Fn(&T) -> Result<Value, Refusal>,
    ) -> Result<Fhir, Refusal> {
        let entries = shown
            .iter()
            .map(|item| {
                let resource = render(item)?;
                let url = format!("{}/{}", self.kind, resource["id"].as_str().unwrap_or_default());
                Ok(json!({ "fullUrl": url, "resource": resource, "search": { "mode": "match" } }))
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        let mut bundle = json!({
            "resourceType": "Bundle",
            "type": "searchset",
            "total": total,
            "entry": entries,
        });
        let mut links = vec![json!({ "relation": "self", "url": self.url(self.offset) })];
        let next = self.offset.saturating_add(self.count);
        if self.count > 0 && next < total {
            links.push(json!({ "relation": "next", "url": self.url(next) }));
        }
        if self.count > 0 && self.offset > 0 {
            let previous = self.offset.saturating_sub(self.count);
            links.push(json!({ "relation": "previous", "url": self.url(previous) }));
        }
        bundle["link"] = links.into();
        Ok(Fhir(bundle))
    }

    fn url(&self, offset: usize) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let mut url = format!("/fhir/R4/{}?_count={}&_offset={offset}", self.kind, self.count);
        for (name, value) in &self.kept {
            url.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn pages_follow_each_other() {
        let mut search = Search::of("Location", parameters(&[("_count", "2"), ("type", "a&b")])).unwrap();
        search.text("type");
        let page = search.end().unwrap();
        let Fhir(bundle) = page.of(&[1, 2, 3], |n| Ok(json!({ "id": n.to_string() }))).unwrap();
        assert_eq!(bundle["total"], 3);
        assert_eq!(bundle["entry"].as_array().unwrap().len(), 2);
        assert_eq!(bundle["link"][1]["url"], "/fhir/R4/Location?_count=2&_offset=2&type=a%26b");
        let search = Search::of("Location", parameters(&[("_count", "2"), ("_offset", "2")])).unwrap();
        let Fhir(bundle) =
            search.end().unwrap().of(&[1, 2, 3], |n| Ok(json!({ "id": n.to_string() }))).unwrap();
        assert_eq!(bundle["entry"][0]["fullUrl"], "Location/3");
        let relations: Vec<_> =
            bundle["link"].as_array().unwrap().iter().map(|l| l["relation"].clone()).collect();
        assert_eq!(relations, ["self", "previous"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(Search::of("Task", parameters(&[("_count", "-1")])).is_err());
        assert!(Search::of("Task", parameters(&[("name", "x")])).unwrap().end().is_err());
        let mut search =
            Search::of("Task", parameters(&[("patient", "Location/x"), ("date", "soon")])).unwrap();
        assert!(search.reference("patient", "Patient").is_err());
        assert!(search.instant("date", Timestamp(0)).is_err());
    }
}
