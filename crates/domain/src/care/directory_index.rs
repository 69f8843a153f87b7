//! Searching the directory as one types: every word of the query must be the beginning of a word of the entry, give or
//! take a mistake in spelling.
//!
//! The words of all entries are one sorted vocabulary; each knows which entries have it. A word of the query is looked for
//! by binary search first, and with mistakes among those words that have nearly all of its letters, which a bit set of
//! letters tells. So the cost grows with the vocabulary, hardly with the number of entries.

use std::{cmp::Reverse, collections::BTreeMap};

/// Most words of a query that are looked at.
const MAX_WORDS: usize = 8;
/// What a word that is spelt as it was typed counts, in each of its places.
const EXACT: u16 = 120;
/// What a word that begins with what was typed counts.
const PREFIX: u16 = 90;
/// What a word with mistakes counts, less [`MISTAKE`] for each.
const NEAR: u16 = 60;
/// What a mistake costs.
const MISTAKE: u16 = 15;

/// How much a word says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Of something near it, such as the ward on which somebody works.
    Context,
    /// Of what it does, such as a specialty.
    Trait,
    /// Of its name.
    Name,
}

impl Weight {
    const fn bonus(self) -> u16 {
        match self {
            Self::Context => 0,
            Self::Trait => 20,
            Self::Name => 60,
        }
    }
}

/// An index over entries, which are numbered in the order of their adding.
#[derive(Debug, Default)]
pub struct DirectoryIndex {
    words: Vec<Word>,
    entries: usize,
}

#[derive(Debug)]
struct Word {
    text: Box<str>,
    letters: u64,
    /// The entries that have it, each with the weight there.
    entries: Vec<(u32, Weight)>,
}

/// Collects entries for an index.
#[derive(Debug, Default)]
pub struct Builder {
    words: BTreeMap<Box<str>, Vec<(u32, Weight)>>,
    entries: u32,
}

impl Builder {
    /// Adds an entry with its texts; its number is the number of entries before.
    pub fn add<'t>(&mut self, texts: impl IntoIterator<Item = (Weight, &'t str)>) {
        let entry = self.entries;
        self.entries += 1;
        for (weight, text) in texts {
            for word in words(text) {
                let all = self.words.entry(word.into()).or_default();
                match all.last_mut() {
                    Some((last, known)) if *last == entry => *known = weight.max(*known),
                    _ => all.push((entry, weight)),
                }
            }
        }
    }

    /// The index.
    #[must_use]
    pub fn build(self) -> DirectoryIndex {
        let word = |(text, entries): (Box<str>, _)| Word { letters: letters(&text), text, entries };
        DirectoryIndex { words: self.words.into_iter().map(word).collect(), entries: self.entries as usize }
    }
}

impl DirectoryIndex {
    /// How many entries it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The entries that fit, best first and in the order of their adding among equals: at most `limit` of those that
    /// `keep` wants, each with its score. An empty query finds nothing.
    #[must_use]
    pub fn search(&self, query: &str, limit: usize, keep: impl Fn(usize) -> bool) -> Vec<(usize, u32)> {
        let wanted: Vec<String> = words(query).take(MAX_WORDS).collect();
        let Some((first, rest)) = wanted.split_first() else { return Vec::new() };
        let mut sums: Vec<u32> = self.scores(first).into_iter().map(u32::from).collect();
        for word in rest {
            for (sum, score) in sums.iter_mut().zip(self.scores(word)) {
                *sum = if score == 0 || *sum == 0 { 0 } else { *sum + u32::from(score) };
            }
        }
        let found = sums.into_iter().enumerate().filter(|(entry, sum)| *sum > 0 && keep(*entry));
        let mut found: Vec<(usize, u32)> = found.collect();
        let order = |it: &(usize, u32)| (Reverse(it.1), it.0);
        if found.len() > limit && limit > 0 {
            found.select_nth_unstable_by_key(limit - 1, order);
        }
        found.truncate(limit);
        found.sort_unstable_by_key(order);
        found
    }

    /// The entries whose name has, for every word of `query`, a word that begins with it; in the order of their adding. An
    /// empty query finds nothing.
    #[must_use]
    pub fn named(&self, query: &str) -> Vec<usize> {
        let mut found: Option<Vec<u64>> = None;
        for typed in words(query).take(MAX_WORDS) {
            let mut fits = vec![0_u64; self.entries.div_ceil(64)];
            let from = self.words.partition_point(|word| *word.text < *typed);
            for word in self.words[from..].iter().take_while(|word| word.text.starts_with(&typed)) {
                for (entry, _) in word.entries.iter().filter(|(_, weight)| *weight == Weight::Name) {
                    if let Some(block) = fits.get_mut(*entry as usize / 64) {
                        *block |= 1 << (entry % 64);
                    }
                }
            }
            found = Some(match found {
                None => fits,
                Some(before) => before.into_iter().zip(fits).map(|(a, b)| a & b).collect(),
            });
        }
        let blocks = found.unwrap_or_default();
        (0..self.entries)
            .filter(|entry| blocks.get(entry / 64).is_some_and(|it| it >> (entry % 64) & 1 == 1))
            .collect()
    }

    /// How well the best word of each entry fits what was typed; nought if none does.
    fn scores(&self, typed: &str) -> Vec<u16> {
        let mut scores = vec![0; self.entries];
        let mut take = |word: &Word, score: u16| {
            for (entry, weight) in &word.entries {
                if let Some(best) = scores.get_mut(*entry as usize) {
                    *best = (score + weight.bonus()).max(*best);
                }
            }
        };
        let from = self.words.partition_point(|word| *word.text < *typed);
        let begins = |word: &&Word| word.text.starts_with(typed);
        let until = from + self.words[from..].iter().take_while(begins).count();
        for word in &self.words[from..until] {
            take(word, if word.text.len() == typed.len() { EXACT } else { PREFIX });
        }
        let typed_letters = letters(typed);
        let typed: Vec<char> = typed.chars().collect();
        let allowed = mistakes(typed.len());
        if allowed > 0 {
            for (at, word) in self.words.iter().enumerate() {
                // Each letter that the word does not have at all is a mistake of its own.
                let missing = (typed_letters & !word.letters).count_ones() as usize;
                if missing > allowed || (from..until).contains(&at) {
                    continue;
                }
                if let Some(made) = prefix_distance(&typed, &word.text, allowed) {
                    take(word, NEAR - MISTAKE * u16::try_from(made).unwrap_or(u16::MAX).min(3));
                }
            }
        }
        scores
    }
}

/// How many mistakes are forgiven in a word of this many letters.
const fn mistakes(length: usize) -> usize {
    match length {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// How many letters must be put in, taken out, changed or swapped with the next for `typed` to be the beginning of `word`; `None`
/// if more than `most`.
fn prefix_distance(typed: &[char], word: &str, most: usize) -> Option<usize> {
    let word: Vec<char> = word.chars().take(typed.len() + most).collect();
    // Row by row of the table of distances between beginnings; the two rows before are kept for swaps.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    for (i, letter) in typed.iter().enumerate() {
        let mut row = vec![i + 1; word.len() + 1];
        for (j, other) in word.iter().enumerate() {
            let changed = last[j] + usize::from(letter != other);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == word[j - 1] && typed[i - 1] == *other {
                least = least.min(before[j - 1] + 1);
            }
            row[j + 1] = least;
        }
        if row.iter().all(|distance| *distance > most) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.into_iter().min().filter(|distance| *distance <= most)
}

/// The letters and digits of a word as a set.
fn letters(word: &str) -> u64 {
    word.chars().fold(0, |set, letter| set | 1 << (letter as u32 % 64))
}

/// The words of a text in small letters without accents; apostrophes join, everything else that is no letter or digit parts.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut all = vec![String::new()];
    for letter in text.chars() {
        if matches!(letter, '\'' | '\u{2019}' | '\u{2bc}' | '`') {
            continue;
        }
        if letter.is_alphanumeric() {
            if let Some(word) = all.last_mut() {
                plain(letter, word);
            }
        } else {
            all.push(String::new());
        }
    }
    all.into_iter().filter(|word| !word.is_empty())
}

/// Adds a letter in its small form without accent.
fn plain(letter: char, to: &mut String) {
    for small in letter.to_lowercase() {
        match small {
            'à'..='å' | 'ā' | 'ă' | 'ą' => to.push('a'),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => to.push('c'),
            'ď' | 'đ' | 'ð' => to.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => to.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => to.push('g'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => to.push('i'),
            'ł' | 'ĺ' | 'ļ' | 'ľ' => to.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => to.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => to.push('o'),
            'ŕ' | 'ř' => to.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => to.push('s'),
            'ţ' | 'ť' | 'ț' => to.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => to.push('u'),
            'ŵ' => to.push('w'),
            'ý' | 'ÿ' | 'ŷ' => to.push('y'),
            'ź' | 'ż' | 'ž' => to.push('z'),
            'æ' => to.push_str("ae"),
            'œ' => to.push_str("oe"),
            'ß' => to.push_str("ss"),
            // A combining accent.
            '\u{300}'..='\u{36f}' => {}
            other => to.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index() -> DirectoryIndex {
        let mut builder = Builder::default();
        for (name, job, ward) in [
            ("Dr Priya Raman", "Specialty registrar, acute medicine", "Nightingale ward"),
            ("Dr Margaret O'Connor", "Consultant physician", ""),
            ("Zoë Müller-Smith", "Staff nurse", "Seacole ward"),
            ("Hannah Whitfield", "Specialty registrar, general surgery", "Barts ward"),
            ("Medical registrar", "", "Nightingale ward Acute medicine"),
        ] {
            builder.add([(Weight::Name, name), (Weight::Trait, job), (Weight::Context, ward)]);
        }
        builder.build()
    }

    fn found(query: &str) -> Vec<usize> {
        index().search(query, 10, |_| true).into_iter().map(|(entry, _)| entry).collect()
    }

    #[test]
    fn names_are_found_from_their_beginning() {
        assert_eq!(found("pri"), [0]);
        assert_eq!(found("oconnor"), [1]);
        assert_eq!(found("O'Con"), [1]);
        assert_eq!(found("muller"), [2]);
        assert_eq!(found("smith zoe"), [2]);
        assert!(found("").is_empty() && found("  ,").is_empty());
        assert!(found("xyz").is_empty());
        assert!(found("priya whitfield").is_empty(), "every word must fit");
    }

    #[test]
    fn by_name_only_whole_beginnings_of_names_count() {
        let named = |query: &str| index().named(query);
        assert_eq!(named("Pri"), [0]);
        assert_eq!(named("o'con"), [1]);
        assert_eq!(named("müller zo"), [2]);
        assert_eq!(named("registrar"), [4], "not by job");
        assert_eq!(named("m"), [1, 2, 4]);
        assert!(named("whitfeild").is_empty() && named("").is_empty() && named("m whitfield").is_empty());
    }

    #[test]
    fn role_ward_and_specialty_are_found_and_the_name_counts_most() {
        assert_eq!(found("registrar"), [4, 0, 3], "by name before by job");
        assert_eq!(found("registrar nightingale"), [4, 0]);
        assert_eq!(found("surgery"), [3]);
        assert_eq!(index().search("registrar", 1, |entry| entry != 4)[0].0, 0);
    }

    #[test]
    fn mistakes_in_spelling_are_borne() {
        assert_eq!(found("whitfeild"), [3], "two letters swapped");
        assert_eq!(found("whitefield"), [3], "one too many");
        assert_eq!(found("nightngale"), [0, 4], "one too few");
        assert_eq!(found("margret"), [1]);
        assert_eq!(found("conslutant"), [1]);
        assert!(found("pry").is_empty(), "not in short words");
        assert_eq!(found("raman")[0], 0, "what is spelt right comes first");
    }

    proptest! {
        #[test]
        fn any_single_mistake_in_a_long_word_is_found(at in 0_usize..9, letter in "[a-z]", how in 0..3) {
            let mut typed: Vec<char> = "whitfield".chars().collect();
            let letter = letter.chars().next().unwrap();
            match how {
                0 => typed[at] = letter,
                1 => drop(typed.remove(at)),
                _ => typed.insert(at, letter),
            }
            let typed: String = typed.into_iter().collect();
            prop_assert!(found(&typed).contains(&3), "{typed}");
        }

        #[test]
        fn any_query_is_answered(query in ".{0,60}") {
            let found = index().search(&query, 3, |_| true);
            prop_assert!(found.len() <= 3);
            prop_assert!(found.windows(2).all(|two| two[0].1 >= two[1].1));
        }
    }
}
