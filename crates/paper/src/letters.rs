//! The letters: how wide text is, and where it is broken.

use krilla::text::Font;
use skrifa::{
    FontRef, MetadataProvider,
    instance::{LocationRef, Size},
};

use crate::PaperError;

const REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSansCondensed.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/DejaVuSansCondensed-Bold.ttf");
/// Stands for what the letters do not have.
const MISSING: char = '\u{FFFD}';

/// Both weights.
pub(crate) struct Letters {
    regular: Weight,
    bold: Weight,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letters")
    }
}

struct Weight {
    font: Font,
    face: FontRef<'static>,
}

impl Letters {
    pub(crate) fn read() -> Result<Self, PaperError> {
        let weight = |bytes: &'static [u8]| -> Result<Weight, PaperError> {
            let face = FontRef::new(bytes).map_err(|error| PaperError(error.to_string()))?;
            let font = Font::new(bytes.into(), 0).ok_or_else(|| PaperError("no letters".to_owned()))?;
            Ok(Weight { font, face })
        };
        Ok(Self { regular: weight(REGULAR)?, bold: weight(BOLD)? })
    }

    const fn weight(&self, bold: bool) -> &Weight {
        if bold { &self.bold } else { &self.regular }
    }

    pub(crate) fn font(&self, bold: bool) -> Font {
        self.weight(bold).font.clone()
    }

    /// The text with a sign in place of what there are no letters for.
    pub(crate) fn printable(&self, text: &str) -> String {
        let letters = self.regular.face.charmap();
        text.chars().map(|it| if letters.map(it).is_some() { it } else { MISSING }).collect()
    }

    /// Gives the width of a letter, in points.
    fn measure(&self, size: f32, bold: bool) -> impl Fn(char) -> f32 {
        let face = &self.weight(bold).face;
        let (map, metrics) = (face.charmap(), face.glyph_metrics(Size::new(size), LocationRef::default()));
        move |letter| {
            let glyph = map.map(letter).or_else(|| map.map(MISSING)).unwrap_or_default();
            metrics.advance_width(glyph).unwrap_or(size)
        }
    }

    /// The width of a text, in points.
    pub(crate) fn width(&self, text: &str, size: f32, bold: bool) -> f32 {
        text.chars().map(self.measure(size, bold)).sum()
    }

    /// The text in lines that are no wider than `room`; there is at least one.
    pub(crate) fn wrap(&self, text: &str, room: f32, size: f32, bold: bool) -> Vec<String> {
        let width = self.measure(size, bold);
        let space = width(' ');
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let (mut line, mut filled) = (String::new(), 0.0);
            for word in paragraph.split_whitespace() {
                let wide: f32 = word.chars().map(&width).sum();
                if !line.is_empty() && filled + space + wide <= room {
                    line.push(' ');
                    line.push_str(word);
                    filled += space + wide;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    filled = 0.0;
                }
                // A word that is wider than a line is broken where it must be.
                for letter in word.chars() {
                    let wide = width(letter);
                    if !line.is_empty() && filled + wide > room {
                        lines.push(std::mem::take(&mut line));
                        filled = 0.0;
                    }
                    line.push(letter);
                    filled += wide;
                }
            }
            lines.push(line);
        }
        lines
    }

    /// The text, cut with an ellipsis if it is wider than `room`.
    pub(crate) fn cut(&self, text: &str, room: f32, size: f32, bold: bool) -> String {
        let mut text = text.replace('\n', " ");
        if self.width(&text, size, bold) <= room {
            return text;
        }
        let width = self.measure(size, bold);
        let mut filled = width('…');
        let fits = |letter: &char| {
            filled += width(*letter);
            filled <= room
        };
        text = text.chars().take_while(fits).collect();
        format!("{}…", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_there_is_room() {
        let letters = Letters::read().unwrap();
        let text =
            "Siân Ŵyn-Jones comes in twenty minutes\n\nand Pneumonoultramicroscopicsilicovolcanoconiosis too";
        let lines = letters.wrap(text, 80.0, 9.0, false);
        assert!(lines.len() > 5);
        assert!(lines.iter().all(|line| letters.width(line, 9.0, false) <= 80.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace([' ', '\n'], ""), "and nothing is lost");
        assert_eq!(letters.wrap("", 80.0, 9.0, false), [""]);
        let cut = letters.cut("Consultant anaesthetist and intensivist", 60.0, 9.0, true);
        assert!(cut.ends_with('…') && letters.width(&cut, 9.0, true) <= 60.0);
    }

    #[test]
    fn what_there_are_no_letters_for_is_seen_to_be_missing() {
        let letters = Letters::read().unwrap();
        assert_eq!(letters.printable("Ŵyn 漢 Żółć"), "Ŵyn \u{FFFD} Żółć");
    }
}
