//! Two panels side by side with logarithmic axes, as SVG.

use std::fmt::Write as _;

/// One server's points.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    name: &'static str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// Points from left to right; the place among all chooses the colour.
    pub(crate) fn new(name: &'static str, place: usize, points: Vec<(f64, f64)>) -> Self {
        Self {
            name,
            colour: COLOURS[place % COLOURS.len()],
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
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;

/// Told apart by people who see colours differently, too: Okabe and Ito's.
const COLOURS: [&str; 8] = [
    "#000000", "#0072b2", "#009e73", "#56b4e9", "#d55e00", "#e69f00", "#cc79a7", "#999999",
];

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
        let width = 2.0 * (WIDTH + LEFT) + 30.0;
        let legend = TOP + HEIGHT + 60.0;
        let height = legend + 30.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        text(&mut svg, LEFT, 20.0, "start", self.title);
        for (index, panel) in self.panels.iter().enumerate() {
            let left = LEFT + index as f64 * (WIDTH + LEFT);
            self.panel(&mut svg, panel, left);
        }
        let mut x = LEFT;
        for line in &self.panels[0].lines {
            let colour = line.colour;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>",
                legend - 4.0
            );
            text(&mut svg, x + 8.0, legend, "start", line.name);
            x += 24.0 + 7.5 * line.name.len() as f64;
        }
        svg + "</svg>\n"
    }

    fn panel(&self, svg: &mut String, panel: &Panel, left: f64) {
        let points = || panel.lines.iter().flat_map(|line| line.points.iter());
        let across = Scale::around(points().map(|point| point.0));
        let up = Scale::around(points().map(|point| point.1));
        let x = |place: f64| left + place * WIDTH;
        let y = |place: f64| TOP + HEIGHT - place * HEIGHT;
        for (place, label) in across.ticks() {
            rule(svg, (x(place), TOP), (x(place), TOP + HEIGHT));
            text(svg, x(place), TOP + HEIGHT + 16.0, "middle", &label);
        }
        for (place, label) in up.ticks() {
            rule(svg, (left, y(place)), (left + WIDTH, y(place)));
            text(svg, left - 6.0, y(place) + 4.0, "end", &label);
        }
        text(
            svg,
            left + WIDTH / 2.0,
            TOP + HEIGHT + 34.0,
            "middle",
            self.axis,
        );
        text(svg, left, TOP - 6.0, "start", panel.axis);
        for line in &panel.lines {
            let colour = line.colour;
            let mut path = String::new();
            for (across_at, up_at) in &line.points {
                let (x, y) = (x(across.place(*across_at)), y(up.place(*up_at)));
                let _ = write!(path, "{x:.1},{y:.1} ");
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
                );
            }
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
                path.trim_end()
            );
        }
    }
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>",
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
    }
}
