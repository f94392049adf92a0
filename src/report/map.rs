//! An assignment on a map, with a bar for each territory and measure: plain SVG, in one HTML file that needs nothing else.

use std::fmt::Write;

use super::statement::escaped;

/// Width and most height of a map, in pixels.
const WIDTH: f64 = 620.0;
const TALLEST: f64 = 620.0;
/// Accounts drawn of a panel; more are thinned out evenly, and the caption says so.
const MOST_DOTS: usize = 20_000;
/// Territories with bars; of more, those whose load is furthest from the middle of its band.
const MOST_BARS: usize = 40;
/// Where bars begin: names stand before them.
const BARS: f64 = 120.0;
/// Territories whose names stand on the map.
const MOST_NAMES: usize = 40;

/// One or two assignments side by side.
#[derive(Debug, Default)]
pub struct Map {
    /// Title.
    pub title: String,
    /// The assignments.
    pub panels: Vec<Panel>,
}

/// An assignment.
#[derive(Debug, Default)]
pub struct Panel {
    /// Today, or after.
    pub title: String,
    /// What it is worth.
    pub caption: String,
    /// Names, or identifiers.
    pub territories: Vec<String>,
    /// Latitude and longitude of each territory.
    pub homes: Vec<Option<(f64, f64)>>,
    /// Accounts.
    pub dots: Vec<Dot>,
    /// Name of each measure, and a bar for each territory.
    pub bars: Vec<(String, Vec<Bar>)>,
}

/// An account.
#[derive(Clone, Copy, Debug)]
pub struct Dot {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// Its territory.
    pub territory: usize,
    /// True when it leaves its territory of today.
    pub moved: bool,
}

/// A load with its band.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// Load.
    pub load: f64,
    /// Least.
    pub low: f64,
    /// Greatest.
    pub high: f64,
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;color:#1d2733;max-width:1340px;margin:1.5em auto;padding:0 1em}
h1{font-size:1.5em;margin:0 0 .6em}h2{font-size:1.15em;margin:0}.panels{display:flex;gap:2em;flex-wrap:wrap}.panel{flex:1 1 560px;max-width:640px}
p{color:#5b6875;margin:.2em 0 .6em}svg{max-width:100%;height:auto}h3{font-size:1em;margin:1em 0 .3em}.map{border:1px solid #d5dce3;border-radius:8px;background:#fbfcfd}";

/// Looks closer at all maps at once; dots keep their size.
const ZOOM: &str = "<script>
const maps=[...document.querySelectorAll('svg.map')],box=maps.map(m=>m.getAttribute('viewBox').split(' ').map(Number));
const near=maps[0].dataset.near?.split(' ').map(Number);let v=[...box[0]],held=null;const draw=()=>maps.forEach(m=>{m.setAttribute('viewBox',v.join(' '));
m.querySelectorAll('circle').forEach(c=>{c.dataset.r??=c.getAttribute('r');c.setAttribute('r',c.dataset.r*v[2]/box[0][2])});
m.querySelectorAll('text').forEach(c=>{c.dataset.y??=+c.getAttribute('y')+7;const s=v[2]/box[0][2];c.setAttribute('font-size',10*s);c.setAttribute('stroke-width',2.5*s);c.setAttribute('y',c.dataset.y-7*s)});
document.querySelectorAll('.hidden').forEach(c=>c.style.display=near&&v[2]<=near[2]*1.01?'':'none');
m.querySelectorAll('rect').forEach(c=>{c.dataset.x??=+c.getAttribute('x')+4.5;c.dataset.y??=+c.getAttribute('y')+4.5;const s=9*v[2]/box[0][2];
c.setAttribute('width',s);c.setAttribute('height',s);c.setAttribute('x',c.dataset.x-s/2);c.setAttribute('y',c.dataset.y-s/2);c.setAttribute('stroke-width',s/6)})});
maps.forEach(m=>{m.addEventListener('wheel',e=>{e.preventDefault();const f=e.deltaY<0?.8:1.25,r=m.getBoundingClientRect(),x=(e.clientX-r.left)/r.width,y=(e.clientY-r.top)/r.height;
v=[v[0]+x*v[2]*(1-f),v[1]+y*v[3]*(1-f),v[2]*f,v[3]*f];if(v[2]>box[0][2])v=[...box[0]];draw()},{passive:false});
m.addEventListener('pointerdown',e=>{held=[e.clientX,e.clientY];m.setPointerCapture(e.pointerId)});m.addEventListener('pointerup',()=>held=null);
m.addEventListener('pointermove',e=>{if(!held)return;const w=m.getBoundingClientRect().width;v[0]-=(e.clientX-held[0])*v[2]/w;v[1]-=(e.clientY-held[1])*v[2]/w;held=[e.clientX,e.clientY];draw()});
m.addEventListener('dblclick',()=>{v=[...(near&&v[2]>near[2]*1.01?near:box[0])];draw()})});
addEventListener('beforeprint',()=>{v=[...box[0]];draw()});
if(near){v=[...near];draw()}
</script>";

/// Where degrees lie on the picture: longitudes shrink with the cosine of the middle latitude.
struct View {
    west: f64,
    north: f64,
    across: f64,
    scale: f64,
    height: f64,
}

impl View {
    fn of(panels: &[Panel]) -> Self {
        let places = || {
            let dots =
                panels.iter().flat_map(|panel| panel.dots.iter().map(|dot| (dot.latitude, dot.longitude)));
            dots.chain(panels.iter().flat_map(|panel| panel.homes.iter().copied().flatten()))
        };
        let fold = |pick: fn((f64, f64)) -> f64| {
            let ends = places().map(pick).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
            if ends.0.is_finite() { ends } else { (0.0, 1.0) }
        };
        let ((south, north), (west, east)) = (fold(|place| place.0), fold(|place| place.1));
        let across = f64::midpoint(south, north).to_radians().cos().max(0.05);
        let (wide, tall) = (((east - west) * across).max(0.01), (north - south).max(0.01));
        let scale = ((WIDTH - 40.0) / wide).min((TALLEST - 40.0) / tall);
        Self { west, north, across, scale, height: tall * scale + 40.0 }
    }

    /// The part of the picture where most accounts are, when that is small: the narrowest stretch that has three quarters of
    /// them with those beside it, both ways, in the form of the whole.
    fn near(&self, panels: &[Panel]) -> Option<[f64; 4]> {
        /// Larger parts of the whole are no closer look.
        const SMALL: f64 = 0.6;
        /// How far beside the stretch accounts still belong to it, and the margin around them.
        const BESIDE: f64 = 0.5;
        const MARGIN: f64 = 1.1;
        let dots = panels.iter().flat_map(|panel| &panel.dots);
        let places: Vec<(f64, f64)> = dots.map(|dot| self.place(dot.latitude, dot.longitude)).collect();
        let stretch = |pick: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = places.iter().map(pick).collect();
            all.sort_by(f64::total_cmp);
            let ends = all.iter().zip(all.get(all.len() * 3 / 4..)?);
            let (wide, low) =
                ends.map(|(low, high)| (high - low, *low)).min_by(|a, b| a.0.total_cmp(&b.0))?;
            let (from, to) = (low - BESIDE * wide, low + wide + BESIDE * wide);
            let first = all.iter().copied().find(|at| *at >= from)?;
            let last = all.iter().rev().copied().find(|at| *at <= to)?;
            Some((last - first, first))
        };
        let ((wide, left), (tall, top)) = (stretch(|place| place.0)?, stretch(|place| place.1)?);
        let part = (wide / WIDTH).max(tall / self.height) * MARGIN;
        let (across, down) = (part * WIDTH, part * self.height);
        (part < SMALL && part > 0.0)
            .then(|| [left + (wide - across) / 2.0, top + (tall - down) / 2.0, across, down])
    }

    /// All of it.
    fn window(&self) -> [f64; 4] {
        [0.0, 0.0, WIDTH, self.height]
    }

    fn place(&self, latitude: f64, longitude: f64) -> (f64, f64) {
        (
            20.0 + (longitude - self.west) * self.across * self.scale,
            20.0 + (self.north - latitude) * self.scale,
        )
    }
}

/// Borders, as far as they are near the picture.
fn borders(view: &View) -> String {
    let mut path = String::new();
    for arc in super::outlines::arcs() {
        let places: Vec<(f64, f64)> =
            arc.iter().map(|(latitude, longitude)| view.place(*latitude, *longitude)).collect();
        // A line between two places is in the picture at most where the box around them is.
        let near = |(a, b): (&(f64, f64), &(f64, f64))| {
            a.0.min(b.0) < WIDTH && a.0.max(b.0) > 0.0 && a.1.min(b.1) < view.height && a.1.max(b.1) > 0.0
        };
        if !places.iter().zip(&places[1..]).any(near) {
            continue;
        }
        for (at, (x, y)) in places.iter().enumerate() {
            // A line that goes on at the other end of the world begins anew there.
            let begins = at == 0 || (arc[at].1 - arc[at - 1].1).abs() > 180.0;
            let _ = write!(path, "{}{x:.1} {y:.1}", if begins { 'M' } else { 'L' });
        }
    }
    if path.is_empty() {
        return path;
    }
    format!(
        "<path class=\"borders\" d=\"{path}\" fill=\"none\" stroke=\"#c3ccd4\" stroke-width=\"1\" stroke-linejoin=\"round\" vector-effect=\"non-scaling-stroke\"/>"
    )
}

/// A colour for each territory, of a few hues; those of territories near each other are far apart.
fn colours(panels: &[Panel]) -> Vec<String> {
    const HUES: usize = 12;
    let Some(last) = panels.last() else { return Vec::new() };
    let centre = |territory: usize| {
        last.homes.get(territory).copied().flatten().or_else(|| {
            let own: Vec<&Dot> = last.dots.iter().filter(|dot| dot.territory == territory).collect();
            #[expect(clippy::cast_precision_loss, reason = "a picture")]
            let count = own.len() as f64;
            let mean = |pick: fn(&Dot) -> f64| own.iter().map(|dot| pick(dot)).sum::<f64>() / count;
            (!own.is_empty()).then(|| (mean(|dot| dot.latitude), mean(|dot| dot.longitude)))
        })
    };
    let centres: Vec<Option<(f64, f64)>> = (0..last.territories.len()).map(centre).collect();
    let mut hues: Vec<usize> = Vec::new();
    for (territory, own) in centres.iter().enumerate() {
        let mut clash = [0.0; HUES];
        for (other, hue) in centres.iter().zip(&hues) {
            let apart = own.zip(*other).map_or(1e3, |(one, other)| (one.0 - other.0).hypot(one.1 - other.1));
            for (candidate, clash) in clash.iter_mut().enumerate() {
                let turn = candidate.abs_diff(*hue).min(HUES - candidate.abs_diff(*hue));
                *clash += [1.0, 0.5, 0.15].get(turn).unwrap_or(&0.0) / (apart + 0.05).powi(2);
            }
        }
        let start = territory * 5 % HUES;
        let order = (0..HUES).map(|step| (start + step) % HUES);
        hues.push(order.min_by(|a, b| clash[*a].total_cmp(&clash[*b])).unwrap_or(0));
    }
    let colour = |(territory, hue): (usize, &usize)| {
        format!("hsl({},{}%,{}%)", hue * 360 / HUES, 58 + territory % 3 * 12, 40 + territory % 2 * 12)
    };
    hues.iter().enumerate().map(colour).collect()
}

impl Map {
    /// A page.
    #[must_use]
    pub fn html(&self) -> String {
        let view = View::of(&self.panels);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style>\n<h1>{0}</h1>\n<div class=\"panels\">",
            escaped(&self.title)
        );
        let colours = colours(&self.panels);
        let closer = view.near(&self.panels);
        let near = closer
            .map(|[left, top, wide, tall]| format!(" data-near=\"{left:.1} {top:.1} {wide:.1} {tall:.1}\""));
        for panel in &self.panels {
            let outside = match panel.outside(&view, closer) {
                none if none.is_empty() => none,
                some => format!("{some}: double click"),
            };
            let _ = writeln!(
                text,
                "<div class=\"panel\"><h2>{}</h2><p>{}{}<span class=\"hidden\">{outside}</span></p>\n{}",
                escaped(&panel.title),
                escaped(&panel.caption),
                panel.thinned(),
                panel.picture(&view, view.window(), near.as_deref().unwrap_or_default(), &colours),
            );
            for Chart { heading, height, bars } in panel.charts(&self.panels, &colours) {
                let _ = write!(
                    text,
                    "<h3>{heading}</h3><svg width=\"{WIDTH:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\">{bars}</svg>"
                );
            }
            text.push_str("</div>\n");
        }
        let _ = writeln!(
            text,
            "</div><p>A dot is an account in the colour of its territory, a square the home or centre of a territory. Accounts that change hands have a black rim. The grey area of a bar is its band. Wheel and drag to look closer; a double click shows everything.</p>{ZOOM}</html>"
        );
        text
    }

    /// The maps with their bars, side by side, as one picture: of where most accounts are, when that is a small part.
    #[must_use]
    pub fn svg(&self) -> String {
        /// Where captions start, how high their lines are, and what stands between bars.
        const TOP: f64 = 61.0;
        const LINE: f64 = 14.0;
        const HEADING: f64 = 26.0;
        let view = View::of(&self.panels);
        let colours = colours(&self.panels);
        let closer = view.near(&self.panels);
        let mut inner = format!(
            "<text x=\"20\" y=\"22\" font-size=\"17\" font-weight=\"bold\">{}</text>",
            escaped(&self.title)
        );
        let caption = |panel: &Panel| {
            lines(&format!("{}{}{}", panel.caption, panel.thinned(), panel.outside(&view, closer)))
        };
        let captions: Vec<Vec<String>> = self.panels.iter().map(caption).collect();
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        let top = TOP + LINE * captions.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let (mut left, mut tallest) = (0.0, 0.0);
        for (panel, caption) in self.panels.iter().zip(captions) {
            let _ = write!(
                inner,
                "<g transform=\"translate({left:.0} 0)\"><text x=\"20\" y=\"44\" font-size=\"14\">{}</text><text font-size=\"11\" fill=\"#5b6875\" y=\"{:.0}\">",
                escaped(&panel.title),
                TOP - LINE
            );
            for line in caption {
                let _ = write!(inner, "<tspan x=\"20\" dy=\"{LINE:.0}\">{}</tspan>", escaped(&line));
            }
            let _ = write!(
                inner,
                "</text><g transform=\"translate(0 {top:.0})\">{}</g>",
                panel.picture(&view, closer.unwrap_or_else(|| view.window()), "", &colours)
            );
            let mut y = top + view.height;
            for chart in panel.charts(&self.panels, &colours) {
                let _ = write!(
                    inner,
                    "<text x=\"20\" y=\"{:.0}\" font-size=\"12\" font-weight=\"bold\">{}</text><g transform=\"translate(0 {:.0})\" font-size=\"11\">{}</g>",
                    y + HEADING - 8.0,
                    chart.heading,
                    y + HEADING,
                    chart.bars
                );
                y += HEADING + chart.height;
            }
            inner.push_str("</g>");
            left += WIDTH;
            tallest = f64::max(tallest, y);
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {left:.0} {tallest:.0}\" font-family=\"sans-serif\" fill=\"#1d2733\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{inner}</svg>\n"
        )
    }
}

/// A caption in lines, each of as many of its parts as there is room for.
fn lines(caption: &str) -> Vec<String> {
    const ROOM: usize = 95;
    let mut lines: Vec<String> = Vec::new();
    for part in caption.split("; ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 2 <= ROOM => {
                line.push_str("; ");
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

/// The bars of a measure.
struct Chart {
    heading: String,
    height: f64,
    bars: String,
}

impl Panel {
    fn step(&self) -> usize {
        self.dots.len().div_ceil(MOST_DOTS).max(1)
    }

    /// Said of dots that are left out.
    fn thinned(&self) -> String {
        let (drawn, all) = (self.dots.iter().step_by(self.step()).count(), self.dots.len());
        if drawn < all { format!("; {drawn} of {all} accounts are drawn") } else { String::new() }
    }

    /// Said of dots that a closer look leaves out.
    fn outside(&self, view: &View, closer: Option<[f64; 4]>) -> String {
        let Some([left, top, wide, tall]) = closer else { return String::new() };
        let inside = |dot: &&Dot| {
            let (x, y) = view.place(dot.latitude, dot.longitude);
            (left..=left + wide).contains(&x) && (top..=top + tall).contains(&y)
        };
        let all = self.dots.len();
        match all - self.dots.iter().filter(inside).count() {
            0 => String::new(),
            outside => format!("; {outside} of {all} accounts lie outside this view"),
        }
    }

    /// The part of the map in a window: dots and names have the same size whatever part that is.
    fn picture(&self, view: &View, window: [f64; 4], near: &str, colours: &[String]) -> String {
        let [left, top, wide, tall] = window;
        let part = wide / WIDTH;
        let mut text = format!(
            "<svg class=\"map\"{near} width=\"{WIDTH:.0}\" height=\"{:.0}\" viewBox=\"{left:.1} {top:.1} {wide:.1} {tall:.1}\">",
            view.height,
        );
        text.push_str(&borders(view));
        let radius = part * if self.dots.len() > 3000 { 1.6 } else { 3.2 };
        let mut by_territory: Vec<Vec<&Dot>> = vec![Vec::new(); self.territories.len()];
        for dot in self.dots.iter().step_by(self.step()) {
            by_territory[dot.territory].push(dot);
        }
        for (territory, dots) in by_territory.iter().enumerate().filter(|(_, dots)| !dots.is_empty()) {
            let _ = write!(
                text,
                "<g fill=\"{}\"><title>{}</title>",
                colours[territory],
                escaped(&self.territories[territory])
            );
            for dot in dots {
                let (x, y) = view.place(dot.latitude, dot.longitude);
                let rim = if dot.moved {
                    " stroke=\"#111\" stroke-width=\".9\" vector-effect=\"non-scaling-stroke\""
                } else {
                    ""
                };
                let _ = write!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.2}\"{rim}/>");
            }
            text.push_str("</g>");
        }
        for (territory, home) in self.homes.iter().enumerate() {
            let Some((latitude, longitude)) = home else { continue };
            let (x, y) = view.place(*latitude, *longitude);
            let _ = write!(
                text,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" stroke=\"#fff\" stroke-width=\"{:.2}\"><title>{}</title></rect>",
                x - 4.5 * part,
                y - 4.5 * part,
                9.0 * part,
                9.0 * part,
                colours[territory],
                1.5 * part,
                escaped(&self.territories[territory])
            );
            if self.territories.len() <= MOST_NAMES {
                let _ = write!(
                    text,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{:.1}\" font-family=\"sans-serif\" fill=\"#1d2733\" stroke=\"#fff\" stroke-width=\"{:.2}\" paint-order=\"stroke\" text-anchor=\"middle\">{}</text>",
                    y - 7.0 * part,
                    10.0 * part,
                    2.5 * part,
                    escaped(&self.territories[territory])
                );
            }
        }
        text.push_str("</svg>");
        text
    }

    /// A bar for each territory and measure; both panels have one scale.
    fn charts(&self, panels: &[Self], colours: &[String]) -> Vec<Chart> {
        let mut charts = Vec::new();
        for (index, (measure, bars)) in self.bars.iter().enumerate() {
            let worst = |bar: &Bar| (bar.load - f64::midpoint(bar.low, bar.high)).abs();
            let mut order: Vec<usize> = (0..bars.len()).collect();
            if bars.len() > MOST_BARS {
                order.sort_by(|a, b| worst(&bars[*b]).total_cmp(&worst(&bars[*a])).then(a.cmp(b)));
                order.truncate(MOST_BARS);
                order.sort_unstable();
            }
            let outside = bars.iter().filter(|bar| bar.load < bar.low || bar.load > bar.high).count();
            let all = panels.iter().filter_map(|panel| panel.bars.get(index)).flat_map(|(_, bars)| bars);
            let most = all.map(|bar| bar.load.max(bar.high)).fold(0.0, f64::max).max(1e-9);
            let furthest = if bars.len() > MOST_BARS {
                format!(", the {MOST_BARS} furthest from its middle")
            } else {
                String::new()
            };
            let heading = format!(
                "{}: {outside} of {} territories outside the band{furthest}",
                escaped(measure),
                bars.len()
            );
            #[expect(clippy::cast_precision_loss, reason = "a picture")]
            let height = (order.len() * 16 + 4) as f64;
            let mut text = String::new();
            for (row, territory) in order.into_iter().enumerate() {
                let (bar, y) = (bars[territory], row * 16 + 2);
                let x = |value: f64| BARS + value / most * (WIDTH - BARS - 80.0);
                let fault = bar.load < bar.low || bar.load > bar.high;
                let _ = write!(
                    text,
                    "<text x=\"{:.0}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"13\" fill=\"#dfe5ea\"/><rect x=\"{BARS:.0}\" y=\"{}\" width=\"{:.1}\" height=\"7\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{}\"{}>{}</text>",
                    BARS - 6.0,
                    y + 10,
                    escaped(&short(&self.territories[territory])),
                    x(bar.low),
                    (x(bar.high) - x(bar.low)).max(1.0),
                    y + 3,
                    (x(bar.load) - BARS).max(0.0),
                    colours[territory],
                    x(bar.load.max(bar.high)) + 5.0,
                    y + 10,
                    if fault { " fill=\"#b3261e\" font-weight=\"bold\"" } else { "" },
                    number(bar.load)
                );
            }
            charts.push(Chart { heading, height, bars: text });
        }
        charts
    }
}

/// A name as far as there is room for it beside a bar.
fn short(name: &str) -> String {
    const ROOM: usize = 15;
    match name.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// A load with few digits: 1.23 M.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e9 => format!("{:.2} G", value / 1e9),
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.1} k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}
