//! A flame graph of what `perf script` prints, and the hottest functions as a list.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{BufRead, Write},
};

use crate::error::Result;

const WIDTH: f64 = 1400.0;
const ROW: f64 = 17.0;
/// A frame narrower than this is not drawn.
const NARROWEST: f64 = 0.6;
const LISTED: usize = 40;

#[derive(Debug, Default)]
struct Frame {
    count: u64,
    below: BTreeMap<String, Frame>,
}

impl Frame {
    fn depth(&self) -> usize {
        1 + self.below.values().map(Self::depth).max().unwrap_or(0)
    }
}

/// Reads stacks (innermost frame first, an empty line after each) and writes the SVG to `out`, the list to standard error.
pub(crate) fn draw(input: impl BufRead, mut out: impl Write) -> Result<()> {
    let (root, own, with) = folded(input)?;
    eprintln!("{:>8} {:>8}  function ({} samples)", "self %", "with %", root.count);
    let mut hottest: Vec<_> = own.iter().collect();
    hottest.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    for (name, count) in hottest.into_iter().take(LISTED) {
        let all = with.get(name).copied().unwrap_or(0);
        eprintln!("{:>8.2} {:>8.2}  {name}", percent(*count, root.count), percent(all, root.count));
    }
    out.write_all(svg(&root).as_bytes())?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "sample counts are small")]
fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

type Counts = HashMap<String, u64>;

fn folded(input: impl BufRead) -> Result<(Frame, Counts, Counts)> {
    let (mut root, mut own, mut with) = (Frame::default(), Counts::new(), Counts::new());
    let mut stack: Vec<String> = Vec::new();
    for line in input.lines().chain([Ok(String::new())]) {
        let line = line?;
        if line.starts_with(char::is_whitespace) && !line.trim().is_empty() {
            stack.push(function(&line));
        } else if line.trim().is_empty() && !stack.is_empty() {
            add(&mut root, &stack);
            *own.entry(stack[0].clone()).or_default() += 1;
            let mut seen: Vec<&String> = stack.iter().collect();
            seen.sort_unstable();
            seen.dedup();
            seen.into_iter().for_each(|name| *with.entry(name.clone()).or_default() += 1);
            stack.clear();
        }
    }
    Ok((root, own, with))
}

/// The function of a line `  address name+offset (module)`, without hash and offset.
fn function(line: &str) -> String {
    let text = line.trim().split_once(' ').map_or("", |(_, rest)| rest);
    let (name, module) = text.rsplit_once(" (").unwrap_or((text, ""));
    let name = name.rsplit_once("+0x").map_or(name, |(name, _)| name);
    let name = match name.rsplit_once("::h") {
        Some((start, hash)) if hash.len() == 16 => start,
        _ => name,
    };
    let kernel = module.starts_with("[kernel") || module.starts_with("[guest");
    if kernel { format!("{name} [k]") } else { name.to_owned() }
}

fn add(root: &mut Frame, stack: &[String]) {
    root.count += 1;
    let mut at = root;
    for name in stack.iter().rev() {
        at = at.below.entry(name.clone()).or_default();
        at.count += 1;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a stack is not that deep")]
fn svg(root: &Frame) -> String {
    let height = root.depth() as f64 * ROW + 20.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let scale = WIDTH / (root.count.max(1) as f64);
    frames(&mut out, root, 0.0, height - 10.0, scale, root.count);
    out.push_str("</svg>\n");
    out
}

#[expect(clippy::cast_precision_loss, reason = "sample counts are small")]
fn frames(out: &mut String, frame: &Frame, left: f64, bottom: f64, scale: f64, all: u64) {
    let mut x = left;
    for (name, below) in &frame.below {
        let width = below.count as f64 * scale;
        if width >= NARROWEST {
            let hue = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 40);
            let letters = (0.0_f64.max(width - 4.0) / 6.7).floor();
            let shown: String = name
                .chars()
                .take_while({
                    let mut left = letters;
                    move |_| {
                        left -= 1.0;
                        left >= 0.0
                    }
                })
                .collect();
            // Writing to a string cannot fail.
            writeln!(
                out,
                "<g><title>{name} {share:.2} %</title><rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{h}\" \
                 fill=\"hsl({hue} 80% 72%)\" stroke=\"#fff\" stroke-width=\"0.5\"/><text x=\"{tx:.1}\" y=\"{ty:.1}\">{shown}</text></g>",
                name = escaped(name),
                share = percent(below.count, all),
                top = bottom - ROW,
                h = ROW - 1.0,
                tx = x + 2.0,
                ty = bottom - 5.0,
                shown = escaped(&shown),
            )
            .unwrap_or_default();
            frames(out, below, x, bottom - ROW, scale, all);
        }
        x += width;
    }
}

/// Text for an SVG.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "server 12 1.0: 1 cpu-clock:\n\
        \t  55 inner<T>::h0123456789abcdef+0x10 (/bin/server)\n\
        \t  66 main+0x1 (/bin/server)\n\n\
        server 12 1.1: 1 cpu-clock:\n\
        \tffff do_sync+0x5 ([kernel.kallsyms])\n\
        \t  66 main+0x9 (/bin/server)\n\n";

    #[test]
    fn stacks_are_folded_by_function() {
        let (root, own, with) = folded(SCRIPT.as_bytes()).unwrap();
        assert_eq!((root.count, root.below["main"].count), (2, 2));
        assert_eq!((own["inner<T>"], own["do_sync [k]"], with["main"]), (1, 1, 2));
        let svg = svg(&root);
        assert!(svg.contains("inner&lt;T&gt;") && svg.contains("50.00 %"), "{svg}");
    }
}
