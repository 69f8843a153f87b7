//! PDF pages of text and tables, A4 upright: what is printed, filed or sent on. Nothing here knows what it says.
//!
//! [`Paper`] is filled from top to bottom and breaks pages by itself; a table that goes on repeats its head. A `stamp` stands in
//! a red band at the top of every page, so that no page can be taken for what it is not.

mod draw;
mod letters;

use letters::Letters;

/// A4, in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
/// The margin at the left and right.
const MARGIN: f32 = 48.0;
/// Where the text begins and must end.
const TOP: f32 = 56.0;
const BOTTOM: f32 = HEIGHT - 56.0;
/// The size of ordinary text, and the height of its lines.
const TEXT: f32 = 9.5;
const LINE: f32 = 13.0;

/// A paper that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the paper cannot be made: {0}")]
pub struct PaperError(String);

/// What stands on every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The title, also of the document.
    pub title: String,
    /// Small, at the foot.
    pub foot: String,
    /// In a red band at the top of every page, if anything.
    pub stamp: Option<String>,
    /// The language of the text, as `en-GB`.
    pub language: String,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column<'a> {
    /// Its title.
    pub title: &'a str,
    /// How wide it is in relation to the others.
    pub weight: f32,
}

/// Something drawn on a page; `y` is the base line of text and the upper edge of boxes.
#[derive(Clone, Debug, PartialEq)]
enum Mark {
    Text { x: f32, y: f32, size: f32, bold: bool, colour: Colour, text: String },
    Box { x: f32, y: f32, width: f32, height: f32, colour: Colour },
}

/// The few colours that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Black,
    Grey,
    Pale,
    Red,
    White,
    Blue,
}

/// A paper that is being written.
#[derive(Debug)]
pub struct Paper {
    head: Head,
    letters: Letters,
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl Paper {
    /// An empty paper with its title at the top.
    ///
    /// # Errors
    /// The letters cannot be read, which they can.
    pub fn new(head: Head) -> Result<Self, PaperError> {
        let letters = Letters::read()?;
        let title = head.title.clone();
        let mut paper = Self { head, letters, pages: Vec::new(), y: 0.0 };
        paper.turn();
        paper.y += 8.0;
        paper.lines(&title, 18.0, 23.0, true, Colour::Black);
        paper.y += 4.0;
        Ok(paper)
    }

    /// A new page.
    fn turn(&mut self) {
        let mut page = Vec::new();
        self.y = TOP;
        if let Some(stamp) = &self.head.stamp {
            page.push(Mark::Box { x: 0.0, y: 0.0, width: WIDTH, height: 30.0, colour: Colour::Red });
            let x = (WIDTH - self.letters.width(stamp, 14.0, true)) / 2.0;
            let (size, bold, colour) = (14.0, true, Colour::White);
            page.push(Mark::Text { x, y: 20.0, size, bold, colour, text: stamp.clone() });
        }
        self.pages.push(page);
    }

    /// Sees to it that `height` fits on the page; whether a new one was begun.
    fn need(&mut self, height: f32) -> bool {
        let turns = self.y + height > BOTTOM;
        if turns {
            self.turn();
        }
        turns
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, (x, y): (f32, f32), size: f32, bold: bool, colour: Colour, text: &str) {
        self.mark(Mark::Text { x, y, size, bold, colour, text: text.to_owned() });
    }

    fn lines(&mut self, text: &str, size: f32, line: f32, bold: bool, colour: Colour) {
        for part in self.letters.wrap(text, WIDTH - 2.0 * MARGIN, size, bold) {
            self.need(line);
            let at = (MARGIN, self.y + size);
            self.text(at, size, bold, colour, &part);
            self.y += line;
        }
    }

    /// How many pages there are so far.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// A heading. It does not stand alone at the foot of a page.
    pub fn heading(&mut self, text: &str) {
        self.need(60.0);
        self.y += 10.0;
        self.lines(text, 13.0, 18.0, true, Colour::Black);
        self.y += 2.0;
    }

    /// Ordinary text; a line break begins a new line.
    pub fn paragraph(&mut self, text: &str) {
        self.lines(text, TEXT, LINE, false, Colour::Black);
        self.y += 4.0;
    }

    /// Small grey text.
    pub fn note(&mut self, text: &str) {
        self.lines(text, 8.0, 11.0, false, Colour::Grey);
        self.y += 4.0;
    }

    /// Names and what stands for each, one below the other.
    pub fn facts(&mut self, facts: &[(&str, String)]) {
        let left = 130.0;
        for (name, value) in facts {
            let values = self.letters.wrap(value, WIDTH - 2.0 * MARGIN - left, TEXT, false);
            self.need(LINE);
            self.text((MARGIN, self.y + TEXT), TEXT, false, Colour::Grey, name);
            for value in values {
                self.need(LINE);
                self.text((MARGIN + left, self.y + TEXT), TEXT, false, Colour::Black, &value);
                self.y += LINE;
            }
        }
        self.y += 6.0;
    }

    /// Numbers as bars beside their names: the longest is `most`.
    pub fn bars(&mut self, bars: &[(&str, usize)], most: usize) {
        let (left, room) = (170.0, WIDTH - 2.0 * MARGIN - 220.0);
        for (name, count) in bars {
            self.need(LINE + 3.0);
            let name = self.letters.cut(name, left - 8.0, TEXT, false);
            self.text((MARGIN, self.y + TEXT), TEXT, false, Colour::Black, &name);
            let share = ratio(*count, most.max(1)).min(1.0);
            let (x, y, height) = (MARGIN + left, self.y + 1.0, 10.0);
            self.mark(Mark::Box { x, y, width: room, height, colour: Colour::Pale });
            self.mark(Mark::Box { x, y, width: room * share, height, colour: Colour::Blue });
            self.text((x + room + 8.0, self.y + TEXT), TEXT, true, Colour::Black, &count.to_string());
            self.y += LINE + 3.0;
        }
        self.y += 6.0;
    }

    /// A table. Cells that are too long are broken into lines; every row stays on one page.
    pub fn table(&mut self, columns: &[Column<'_>], rows: &[Vec<String>]) {
        let all: f32 = columns.iter().map(|column| column.weight).sum();
        let room = WIDTH - 2.0 * MARGIN;
        let widths: Vec<f32> = columns.iter().map(|column| room * column.weight / all.max(0.01)).collect();
        self.need(3.0 * LINE);
        self.table_head(columns, &widths);
        for (index, row) in rows.iter().enumerate() {
            let cells: Vec<Vec<String>> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| self.letters.wrap(cell, width - 6.0, 8.5, false))
                .collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or(1).clamp(1, 50);
            let height = 11.0 * lines_as_points(lines) + 4.0;
            if self.need(height) {
                self.table_head(columns, &widths);
            }
            if index % 2 == 1 {
                let (x, y, width) = (MARGIN, self.y, room);
                self.mark(Mark::Box { x, y, width, height, colour: Colour::Pale });
            }
            let mut x = MARGIN + 3.0;
            for (cell, width) in cells.iter().zip(&widths) {
                let mut y = self.y + 10.5;
                for line in cell.iter().take(lines) {
                    self.text((x, y), 8.5, false, Colour::Black, line);
                    y += 11.0;
                }
                x += width;
            }
            self.y += height;
        }
        self.y += 8.0;
    }

    fn table_head(&mut self, columns: &[Column<'_>], widths: &[f32]) {
        let mut x = MARGIN + 3.0;
        for (column, width) in columns.iter().zip(widths) {
            let title = self.letters.cut(column.title, width - 6.0, 8.5, true);
            self.text((x, self.y + 10.0), 8.5, true, Colour::Black, &title);
            x += width;
        }
        let (y, width) = (self.y + 14.0, WIDTH - 2.0 * MARGIN);
        self.mark(Mark::Box { x: MARGIN, y, width, height: 0.8, colour: Colour::Grey });
        self.y += 17.0;
    }

    /// The PDF.
    ///
    /// # Errors
    /// [`PaperError`] if it cannot be written.
    pub fn finish(mut self) -> Result<Vec<u8>, PaperError> {
        let count = self.pages.len();
        let foot = self.letters.cut(&self.head.foot, WIDTH - 2.0 * MARGIN - 80.0, 8.0, false);
        for (index, page) in self.pages.iter_mut().enumerate() {
            let (y, size, bold, colour) = (HEIGHT - 30.0, 8.0, false, Colour::Grey);
            page.push(Mark::Text { x: MARGIN, y, size, bold, colour, text: foot.clone() });
            let text = format!("Page {} of {count}", index + 1);
            let x = WIDTH - MARGIN - self.letters.width(&text, 8.0, false);
            page.push(Mark::Text { x, y, size, bold, colour, text });
        }
        draw::pdf(&self.head, &self.letters, &self.pages)
    }
}

/// One number in relation to another.
#[expect(clippy::cast_precision_loss, reason = "a bar need not be more exact than a printer")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[expect(clippy::cast_precision_loss, reason = "at most 50")]
fn lines_as_points(lines: usize) -> f32 {
    lines as f32
}
