//! Patterns of push rules (client-server specification, "event_match"): `*` and `?`, without regard to case.

/// A pattern, ready to be matched many times.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    pattern: Vec<Token>,
    /// Match a run of whole words instead of the whole text.
    words: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
}

impl Glob {
    /// Prepares a pattern. With `words` it may match any part of the text that begins and ends at a boundary of
    /// words, as `content.body` is matched.
    pub(super) fn new(pattern: &str, words: bool) -> Self {
        let token = |c| match c {
            '?' => Token::One,
            '*' => Token::Many,
            c => Token::Char(c),
        };
        Self { pattern: pattern.to_lowercase().chars().map(token).collect(), words }
    }

    /// Whether the text matches. Takes time proportional to the two lengths multiplied at worst.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let end = self.pattern.len();
        if end == 0 {
            return text.is_empty();
        }
        // reached[n]: the first n tokens match what was read since some permitted start.
        let mut reached = vec![false; end + 1];
        let mut next = vec![false; end + 1];
        for at in 0..=text.len() {
            if at == 0 || (self.words && is_boundary(&text, at)) {
                reached[0] = true;
            }
            for n in 0..end {
                if reached[n] && self.pattern[n] == Token::Many {
                    reached[n + 1] = true;
                }
            }
            if reached[end] && (at == text.len() || (self.words && is_boundary(&text, at))) {
                return true;
            }
            let Some(&c) = text.get(at) else { return false };
            next.fill(false);
            for n in 0..end {
                match self.pattern[n] {
                    _ if !reached[n] => {}
                    Token::Many => next[n] = true,
                    Token::One => next[n + 1] = true,
                    Token::Char(wanted) => next[n + 1] |= wanted == c,
                }
            }
            std::mem::swap(&mut reached, &mut next);
        }
        false
    }
}

/// Whether a match may begin or end between the characters `at - 1` and `at`.
fn is_boundary(text: &[char], at: usize) -> bool {
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_');
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    !(is_word(before) && is_word(text.get(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples() {
        let cases = [
            ("cake", true, "I like CAKE.", true),
            ("cake", true, "pancakes", false),
            ("cake*", true, "a piece of cakewalk", true),
            ("c?ke", true, "coke", true),
            ("*", true, "", true),
            ("", true, "text", false),
            ("#room", true, "see#room!", true),
            ("m.notice", false, "M.Notice", true),
            ("m.*", false, "m.notice", true),
            ("notice", false, "m.notice", false),
            ("*x*y*z*", false, &"xy".repeat(5000), false),
            ("É?", false, "éà", true),
        ];
        for (pattern, words, text, expected) in cases {
            assert_eq!(Glob::new(pattern, words).matches(text), expected, "{pattern} {text:.20}");
        }
    }
}
