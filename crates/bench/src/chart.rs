//! Bar charts as SVG: plain enough to be read in any viewer and in a diff.

use std::fmt::Write as _;

use crate::flame::escaped;

const LABEL: f64 = 210.0;
const PLOT: f64 = 460.0;
const BAR: f64 = 18.0;
const COLOURS: [&str; 4] = ["#005eb8", "#768692", "#41b6e6", "#ae2573"];

/// One bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// What was measured.
    pub(crate) group: String,
    /// On which server.
    pub(crate) series: String,
    pub(crate) value: f64,
}

/// Horizontal bars on a logarithmic scale, grouped as they come. `note` stands below the title, a line for each of its
/// parts between semicolons: machine, versions, durability.
pub(crate) fn bars(title: &str, note: &str, unit: &str, bars: &[Bar]) -> String {
    let positive = bars.iter().map(|bar| bar.value).filter(|value| *value > 0.0);
    let low = positive.clone().fold(f64::INFINITY, f64::min).log10().floor();
    let high = positive.fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    let mut series: Vec<&str> = Vec::new();
    for bar in bars {
        if !series.contains(&bar.series.as_str()) {
            series.push(&bar.series);
        }
    }
    let mut rows = String::new();
    let (mut y, mut group) = (40.0, "");
    for part in note.split("; ") {
        let part = escaped(part);
        line(
            &mut rows,
            &format!("<text x=\"16\" y=\"{y:.0}\" font-size=\"10\" fill=\"#425563\">{part}</text>"),
        );
        y += 13.0;
    }
    for bar in bars {
        if bar.group != group {
            group = &bar.group;
            y += 8.0;
            let name = escaped(group);
            line(
                &mut rows,
                &format!(
                    "<text x=\"{LABEL}\" y=\"{:.0}\" text-anchor=\"end\" dx=\"-8\">{name}</text>",
                    y + 13.0
                ),
            );
        }
        let share = ((bar.value.max(1e-9).log10() - low) / (high - low)).clamp(0.004, 1.0);
        let colour = COLOURS[series.iter().position(|name| *name == bar.series).unwrap_or(0) % COLOURS.len()];
        let width = share * PLOT;
        let (text, server) = (figure(bar.value), escaped(&bar.series));
        line(
            &mut rows,
            &format!(
                "<rect x=\"{LABEL}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{:.0}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.0}\">{text} {unit} · {server}</text>",
                BAR - 3.0,
                LABEL + width + 6.0,
                y + 12.0
            ),
        );
        y += BAR;
    }
    let height = y + 16.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"16\" font-weight=\"bold\">{} (logarithmic)</text>\n\
         {rows}</svg>\n",
        escaped(title),
    )
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    writeln!(out, "{text}").unwrap_or_default();
}

/// A number with three significant digits, or whole above a hundred.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        large if large >= 100.0 => {
            let digits = format!("{value:.0}");
            let mut out = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 && !out.ends_with('-') {
                    out.push(' ');
                }
                out.push(digit);
            }
            out
        }
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let shown: Vec<String> = [0.0, 0.1234, 1.234, 12.34, 123.4, 12_345.6].map(figure).to_vec();
        assert_eq!(shown, ["0", "0.123", "1.23", "12.3", "123", "12 346"]);
    }

    #[test]
    fn every_bar_is_drawn_with_its_value() {
        let bar = |series: &str, value| Bar { group: "send".to_owned(), series: series.to_owned(), value };
        let svg = bars("Sends", "2 cores & a disk", "/s", &[bar("ours", 5000.0), bar("peer", 30.0)]);
        assert!(svg.contains("5 000 /s · ours") && svg.contains("30.0 /s · peer") && svg.contains("&amp;"));
    }
}
