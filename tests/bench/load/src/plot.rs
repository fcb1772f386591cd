//! Two panels side by side with logarithmic axes, as SVG that can be read on light and dark pages.

use std::fmt::Write as _;

/// One server's points.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    name: String,
    place: usize,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// Points from left to right; the place among all chooses the colour.
    pub(crate) fn new(name: impl Into<String>, place: usize, points: Vec<(f64, f64)>) -> Self {
        let place = place % COLOURS.len();
        Self {
            name: name.into(),
            place,
            points,
        }
    }
}

/// What is drawn over one axis.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    axis: &'static str,
    pub(crate) lines: Vec<Line>,
}

impl Panel {
    pub(crate) fn new(axis: &'static str) -> Self {
        Self {
            axis,
            lines: Vec::new(),
        }
    }
}

/// A whole picture.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) title: &'static str,
    pub(crate) axis: &'static str,
    pub(crate) panels: [Panel; 2],
}

/// Of a panel, in pixels.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 74.0;
const TOP: f64 = 52.0;
/// Of the legend below: what a name's letter takes, and how far its lines are apart.
const LETTER: f64 = 7.4;
const LINE: f64 = 20.0;

/// Told apart by people who see colours differently, too: Okabe and Ito's, on light and on dark
/// pages, and a dash for those that would share a hue.
const COLOURS: [(&str, &str, &str); 11] = [
    ("#000000", "#ffffff", ""),
    ("#0072b2", "#4aa8e0", ""),
    ("#009e73", "#2fd0a2", ""),
    ("#56b4e9", "#9fd8fa", ""),
    ("#d55e00", "#ff8a3d", ""),
    ("#c98a00", "#ffc13d", ""),
    ("#cc79a7", "#eba3c9", ""),
    ("#777777", "#b0b0b0", ""),
    ("#0072b2", "#4aa8e0", "4 3"),
    ("#d55e00", "#ff8a3d", "4 3"),
    ("#009e73", "#2fd0a2", "4 3"),
];

/// Everything that has a colour has it from here.
fn style() -> String {
    let mut light = String::from(
        ".page{fill:#ffffff}text{fill:#1f2328}.rule{stroke:#d8dee4}.frame{stroke:#8c959f;fill:none}",
    );
    let mut dark = String::from(
        ".page{fill:#0d1117}text{fill:#e6edf3}.rule{stroke:#30363d}.frame{stroke:#6e7681}",
    );
    for (place, (on_light, on_dark, dashes)) in COLOURS.iter().enumerate() {
        for (style, colour) in [(&mut light, on_light), (&mut dark, on_dark)] {
            let _ = write!(
                style,
                ".l{place}{{stroke:{colour}}}.d{place}{{fill:{colour}}}"
            );
        }
        if !dashes.is_empty() {
            let _ = write!(light, ".l{place}{{stroke-dasharray:{dashes}}}");
        }
    }
    format!("<style>{light}@media(prefers-color-scheme:dark){{{dark}}}</style>\n")
}

/// Whole powers of ten around some numbers.
#[derive(Clone, Copy, Debug)]
struct Scale {
    low: i32,
    high: i32,
}

impl Scale {
    fn around(numbers: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for number in numbers.filter(|number| *number > 0.0) {
            low = low.min(number);
            high = high.max(number);
        }
        if low > high {
            return Self { low: 0, high: 1 };
        }
        let low = low.log10().floor() as i32;
        Self {
            low,
            high: (high.log10().ceil() as i32).max(low + 1),
        }
    }

    /// From 0 to 1.
    fn place(self, number: f64) -> f64 {
        (number.max(1e-9).log10() - f64::from(self.low)) / f64::from(self.high - self.low)
    }

    fn ticks(self) -> impl Iterator<Item = (f64, String)> {
        (self.low..=self.high).map(move |power| {
            let number = 10_f64.powi(power);
            let text = match power {
                ..0 => format!("{number}"),
                0..3 => format!("{number:.0}"),
                3..6 => format!("{:.0} k", number / 1e3),
                6..9 => format!("{:.0} M", number / 1e6),
                _ => format!("{:.0} G", number / 1e9),
            };
            (self.place(number), text)
        })
    }
}

impl Picture {
    /// The file's text.
    pub(crate) fn svg(&self) -> String {
        let width = 2.0 * (WIDTH + LEFT) + 24.0;
        let below = TOP + HEIGHT + 68.0;
        let legend = self.legend(width, below);
        let lines = legend.last().map_or(0.0, |(_, _, y)| y - below);
        let height = below + lines + 16.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        );
        svg += &style();
        let _ = writeln!(
            svg,
            "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>"
        );
        let _ = writeln!(svg, "<g font-size=\"14\" font-weight=\"bold\">");
        text(&mut svg, LEFT, 22.0, "start", self.title);
        let _ = writeln!(svg, "</g>");
        for (index, panel) in self.panels.iter().enumerate() {
            let left = LEFT + index as f64 * (WIDTH + LEFT);
            self.panel(&mut svg, panel, left);
        }
        for (line, x, y) in legend {
            let (middle, place) = (y - 4.0, line.place);
            let _ = writeln!(
                svg,
                "<line class=\"l{place}\" x1=\"{x:.1}\" y1=\"{middle}\" x2=\"{:.1}\" y2=\"{middle}\" stroke-width=\"2\"/><circle class=\"d{place}\" cx=\"{:.1}\" cy=\"{middle}\" r=\"3.5\"/>",
                x + 22.0,
                x + 11.0
            );
            text(&mut svg, x + 28.0, y, "start", &line.name);
        }
        svg + "</svg>\n"
    }

    /// Where each line's name stands.
    fn legend(&self, width: f64, below: f64) -> Vec<(&Line, f64, f64)> {
        let (mut x, mut y) = (LEFT, below);
        let mut places = Vec::new();
        for line in &self.panels[0].lines {
            let long = 28.0 + LETTER * line.name.len() as f64;
            if x + long > width {
                (x, y) = (LEFT, y + LINE);
            }
            places.push((line, x, y));
            x += long + 16.0;
        }
        places
    }

    fn panel(&self, svg: &mut String, panel: &Panel, left: f64) {
        let points = || panel.lines.iter().flat_map(|line| line.points.iter());
        let across = Scale::around(points().map(|point| point.0));
        let up = Scale::around(points().map(|point| point.1));
        let x = |place: f64| left + place * WIDTH;
        let y = |place: f64| TOP + HEIGHT - place * HEIGHT;
        for (place, label) in across.ticks() {
            rule(svg, (x(place), TOP), (x(place), TOP + HEIGHT));
            text(svg, x(place), TOP + HEIGHT + 17.0, "middle", &label);
        }
        for (place, label) in up.ticks() {
            rule(svg, (left, y(place)), (left + WIDTH, y(place)));
            text(svg, left - 6.0, y(place) + 4.0, "end", &label);
        }
        let _ = writeln!(
            svg,
            "<rect class=\"frame\" x=\"{left}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>"
        );
        let (middle, bottom) = (left + WIDTH / 2.0, TOP + HEIGHT + 36.0);
        text(svg, middle, bottom, "middle", self.axis);
        text(svg, left, TOP - 9.0, "start", panel.axis);
        for line in &panel.lines {
            let place = line.place;
            let mut path = String::new();
            for (across_at, up_at) in &line.points {
                let (x, y) = (x(across.place(*across_at)), y(up.place(*up_at)));
                let _ = write!(path, "{x:.1},{y:.1} ");
                let _ = writeln!(
                    svg,
                    "<circle class=\"d{place}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                );
            }
            let _ = writeln!(
                svg,
                "<polyline class=\"l{place}\" points=\"{}\" fill=\"none\" stroke-width=\"1.8\"/>",
                path.trim_end()
            );
        }
    }
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line class=\"rule\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_whole_powers_of_ten() {
        let scale = Scale::around([64.0, 4_000_000.0].into_iter());
        assert_eq!((scale.low, scale.high), (1, 7));
        assert_eq!(scale.place(10.0), 0.0);
        assert_eq!(scale.place(1e7), 1.0);
        let nothing = Scale::around([].into_iter());
        assert_eq!((nothing.low, nothing.high), (0, 1));
    }

    #[test]
    fn a_picture_holds_all_points() {
        let mut panel = Panel::new("calls/s");
        panel
            .lines
            .push(Line::new("null", 0, vec![(1.0, 10.0), (10.0, 100.0)]));
        let picture = Picture {
            title: "a < b",
            axis: "calls",
            panels: [panel.clone(), panel],
        };
        let svg = picture.svg();
        assert!(svg.contains("a &lt; b"));
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert_eq!(svg.matches("r=\"3\"").count(), 4);
        assert!(svg.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn names_that_do_not_fit_go_to_the_next_line() {
        let mut panel = Panel::new("calls/s");
        let names = ["a name of middling length"; 11];
        panel.lines = names.map(|name| Line::new(name, 0, Vec::new())).into();
        let picture = Picture {
            title: "",
            axis: "",
            panels: [panel, Panel::new("")],
        };
        let width = 900.0;
        let places = picture.legend(width, 0.0);
        assert_eq!(places.len(), 11);
        for (line, x, _) in &places {
            assert!(x + 28.0 + LETTER * line.name.len() as f64 <= width);
        }
        assert!(places.last().is_some_and(|(_, _, y)| *y > 0.0));
    }
}
