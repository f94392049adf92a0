//! Curves on two axes: plain SVG, alone or in an HTML page that needs nothing else.

use std::fmt::Write;

use super::statement::escaped;

/// Of the picture, in pixels, with the margins of the axes.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 56.0;
/// About as many marks on each axis.
const MARKS: f64 = 6.0;
const COLOURS: [&str; 6] = ["#1f6f8b", "#c8553d", "#4c7d3b", "#8a5aa5", "#b58a1b", "#5b6875"];

/// A picture.
#[derive(Debug, Default)]
pub struct Chart {
    /// Title.
    pub title: String,
    /// What lies across, and what goes up.
    pub across: String,
    /// With its unit.
    pub up: String,
    /// How to read it.
    pub words: String,
    /// Curves, each in a colour of its own.
    pub curves: Vec<Curve>,
}

/// Spots joined by a line.
#[derive(Debug, Default)]
pub struct Curve {
    /// Name.
    pub name: String,
    /// In the order of the line.
    pub spots: Vec<Spot>,
}

/// A spot on a curve.
#[derive(Debug, Default)]
pub struct Spot {
    /// Across.
    pub across: f64,
    /// Up.
    pub up: f64,
    /// A full dot, or a ring.
    pub filled: bool,
    /// What is shown when the pointer rests on it.
    pub words: String,
}

/// An axis: from, to, and where its marks are.
struct Axis {
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Axis {
    /// An axis of round marks around some values.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if !low.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        let wide = (high - low).max(high.abs() * 1e-6).max(1e-9);
        let size = 10f64.powf((wide / MARKS).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| wide / (size * times) <= MARKS);
        let step = size * step.unwrap_or(10.0);
        let first = (low / step).floor();
        let count = ((high / step).ceil() - first).max(1.0);
        let mut marks = Vec::new();
        let mut mark = 0.0;
        while mark <= count {
            marks.push((first + mark) * step);
            mark += 1.0;
        }
        Self { low: first * step, high: (first + count) * step, marks }
    }

    /// Where a value lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

impl Chart {
    /// The picture alone.
    #[must_use]
    pub fn svg(&self) -> String {
        let spots = || self.curves.iter().flat_map(|curve| &curve.spots);
        let across = Axis::of(spots().map(|spot| spot.across));
        let up = Axis::of(spots().map(|spot| spot.up));
        let x = |value: f64| LEFT + across.share(value) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" font-family=\"system-ui,sans-serif\" font-size=\"12\" fill=\"#1d2733\"><title>{}</title><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>",
            escaped(&self.title)
        );
        for mark in &across.marks {
            let at = x(*mark);
            let _ = write!(
                text,
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"#e3e8ec\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 18.0,
                number(*mark)
            );
        }
        for mark in &up.marks {
            let at = y(*mark);
            let _ = write!(
                text,
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#e3e8ec\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                number(*mark)
            );
        }
        let _ = write!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#5b6875\">{}</text><text transform=\"translate(18 {:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#5b6875\">{}</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 14.0,
            escaped(&self.across),
            f64::midpoint(TOP, HEIGHT - BOTTOM),
            escaped(&self.up)
        );
        for (place, curve) in self.curves.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            let line: Vec<String> =
                curve.spots.iter().map(|spot| format!("{:.1},{:.1}", x(spot.across), y(spot.up))).collect();
            let _ = write!(
                text,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
                line.join(" ")
            );
            for spot in &curve.spots {
                let _ = write!(
                    text,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\" fill=\"{}\" stroke=\"{colour}\" stroke-width=\"1.5\"><title>{}</title></circle>",
                    x(spot.across),
                    y(spot.up),
                    if spot.filled { colour } else { "#fff" },
                    escaped(&spot.words)
                );
            }
            let _ = write!(
                text,
                "<circle cx=\"{0:.1}\" cy=\"{1:.1}\" r=\"4.5\" fill=\"{colour}\"/><text x=\"{2:.1}\" y=\"{3:.1}\">{4}</text>",
                WIDTH - RIGHT + 20.0,
                TOP + 10.0 + 20.0 * count(place),
                WIDTH - RIGHT + 30.0,
                TOP + 14.0 + 20.0 * count(place),
                escaped(&curve.name)
            );
        }
        text.push_str("</svg>\n");
        text
    }

    /// A page.
    #[must_use]
    pub fn html(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><style>body{{font:15px/1.5 system-ui,sans-serif;color:#1d2733;max-width:900px;margin:1.5em auto;padding:0 1em}}h1{{font-size:1.4em}}svg{{max-width:100%;height:auto}}p{{color:#5b6875}}</style>\n<h1>{0}</h1>\n{1}<p>{2} Rest the pointer on a dot to read what it is.</p></html>\n",
            escaped(&self.title),
            self.svg(),
            escaped(&self.words)
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn count(place: usize) -> f64 {
    place as f64
}

/// A mark as people write it: thousands apart, no digits that say nothing.
fn number(value: f64) -> String {
    if value.abs() >= 1e7 {
        return format!("{} M", value / 1e6);
    }
    let text = format!("{}", (value * 1e6).round() / 1e6);
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}
