//! Papers are made whatever is written on them.

use wardline_paper::{Column, Head, Paper};

fn head(stamp: Option<&str>) -> Head {
    Head {
        title: "Crash call 2222, Nightingale ward".to_owned(),
        foot: "Riverside General Hospital".to_owned(),
        stamp: stamp.map(str::to_owned),
        language: "en-GB".to_owned(),
    }
}

#[test]
fn a_table_goes_on_over_as_many_pages_as_it_needs() {
    let columns = [Column { title: "Who", weight: 2.0 }, Column { title: "Answer", weight: 1.0 }];
    let make = |count: usize| {
        let mut paper = Paper::new(head(Some("DRILL"))).unwrap();
        paper.heading("Who was called");
        paper.facts(&[("Called by", "Sister Grace Adeyemi".to_owned())]);
        paper.bars(&[("On my way", 3), ("Cannot", 0)], 4);
        let rows: Vec<Vec<String>> =
            (0..count).map(|n| vec![format!("Dr Number {n}"), "On my way".to_owned()]).collect();
        paper.table(&columns, &rows);
        paper.note("Made by Wardline");
        (paper.pages(), paper.finish().unwrap())
    };
    let (short, long) = (make(3), make(300));
    assert!(short.1.starts_with(b"%PDF-") && long.1.len() > short.1.len());
    assert_eq!((short.0, long.0), (1, 7));
}

#[test]
fn hostile_text_is_paper_too() {
    let mut paper = Paper::new(head(None)).unwrap();
    for text in ["", "\n\n\n", "\u{202e}evil\u{0}", "漢字🙂", &"w".repeat(5000), "(\\) Tj ET endstream"] {
        paper.heading(text);
        paper.paragraph(text);
        paper.facts(&[(text, text.to_owned())]);
        paper.table(&[Column { title: text, weight: 0.0 }], &[vec![text.to_owned()], vec![]]);
        paper.bars(&[(text, usize::MAX)], 0);
    }
    assert!(paper.finish().unwrap().len() > 1000);
}
