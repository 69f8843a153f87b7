//! Marks become a PDF.

use krilla::{
    Document,
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    metadata::Metadata,
    num::NormalizedF32,
    page::PageSettings,
    paint::Fill,
    text::TextDirection,
};

use crate::{Colour, HEIGHT, Head, Mark, PaperError, WIDTH, letters::Letters};

impl Colour {
    fn fill(self) -> Fill {
        let (red, green, blue) = match self {
            Self::Black => (20, 24, 32),
            Self::Grey => (90, 96, 108),
            Self::Pale => (240, 243, 247),
            Self::Red => (190, 20, 30),
            Self::White => (255, 255, 255),
            Self::Blue => (20, 90, 170),
        };
        Fill {
            paint: rgb::Color::new(red, green, blue).into(),
            opacity: NormalizedF32::ONE,
            rule: krilla::paint::FillRule::default(),
        }
    }
}

/// The pages as a PDF.
pub(crate) fn pdf(head: &Head, letters: &Letters, pages: &[Vec<Mark>]) -> Result<Vec<u8>, PaperError> {
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(head.title.clone())
            .language(head.language.clone())
            .creator("Wardline".to_owned()),
    );
    for marks in pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT);
        let mut page =
            document.start_page_with(size.ok_or_else(|| PaperError("a page without size".to_owned()))?);
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Text { x, y, size, bold, colour, text } => {
                    let (font, text) = (letters.font(*bold), letters.printable(text));
                    surface.set_fill(Some(colour.fill()));
                    let at = Point::from_xy(*x, *y);
                    surface.draw_text(at, font, *size, &text, false, TextDirection::Auto);
                }
                Mark::Box { x, y, width, height, colour } => {
                    let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) else { continue };
                    let mut path = PathBuilder::new();
                    path.push_rect(rect);
                    let Some(path) = path.finish() else { continue };
                    surface.set_fill(Some(colour.fill()));
                    surface.draw_path(&path);
                }
            }
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PaperError(format!("{error:?}")))
}
