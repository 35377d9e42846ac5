//! The one file that knows the plotting library (kuva): a [`Chart`] becomes an `<svg>` element.
//!
//! Colours are CSS variables of the page, so that one drawing serves light, dark and paper. Legends are the page's too.

use std::sync::Arc;

use kuva::backend::svg::SvgBackend;
use kuva::plot::scatter::MarkerShape;
use kuva::plot::{BandPlot, LinePlot, ScatterPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use kuva::render::theme::Theme;

/// One axis.
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// Its two ends.
    pub range: (f64, f64),
    /// Distance of its ticks; unused beside names.
    pub step: f64,
    /// Names at 1, 2, 3 … instead of numbers.
    pub names: Vec<String>,
}

impl Axis {
    /// A numeric axis.
    pub fn new(label: &str, range: (f64, f64), step: f64) -> Self {
        Self { label: label.into(), range, step, names: Vec::new() }
    }

    /// An axis of names, the first at 1.
    pub fn of_names(names: Vec<String>) -> Self {
        Self { label: String::new(), range: (0.4, names.len() as f64 + 0.6), step: 0.0, names }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (low, high, step) = (self.range.0, self.range.1, self.step);
        let first = (low / step).ceil();
        (0..=((high - low) / step) as usize).map(move |k| (first + k as f64) * step).filter(move |at| *at < high)
    }
}

/// How a series is drawn, and what its spread means.
#[derive(Clone, Copy)]
pub enum Look {
    /// A line; with a spread, a band around it.
    Line { width: f64, dash: &'static str },
    /// Marks with whiskers of ± the spread along x.
    MarksAlongX(&'static str),
    /// Marks with whiskers of ± the spread along y.
    MarksAlongY(&'static str),
    /// Small translucent dots.
    Dots,
    /// Circles whose radius in pixels is the spread.
    Bubbles,
}

/// One series.
pub struct Series {
    /// A CSS colour.
    pub colour: String,
    /// (x, y).
    pub points: Vec<(f64, f64)>,
    /// One number per point; what it means is the look's.
    pub spread: Vec<f64>,
    /// How it is drawn.
    pub look: Look,
}

/// A drawing with two axes.
pub struct Chart {
    /// What it shows, for a reader who cannot see it.
    pub description: String,
    /// Pixels, wide and high.
    pub size: (f64, f64),
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// From back to front.
    pub series: Vec<Series>,
    /// A vertical line here.
    pub mark_x: Option<f64>,
}

fn shape(mark: &str) -> MarkerShape {
    MarkerShape::parse(mark).unwrap_or(MarkerShape::Circle)
}

impl Series {
    fn plots(&self) -> Vec<Plot> {
        let marks =
            |size: f64| ScatterPlot::new().with_data(self.points.clone()).with_color(&self.colour).with_size(size);
        match self.look {
            Look::Line { width, dash } => {
                let mut plots = Vec::new();
                if !self.spread.is_empty() {
                    let edge = |sign: f64| self.points.iter().zip(&self.spread).map(move |((_, y), s)| y + sign * s);
                    let band = BandPlot::new(self.points.iter().map(|p| p.0), edge(-1.0), edge(1.0));
                    plots.push(Plot::Band(band.with_color(&self.colour).with_opacity(0.18)));
                }
                let mut line = LinePlot::new().with_data(self.points.clone()).with_color(&self.colour);
                line.line_style = kuva::plot::LineStyle::Custom(dash.into());
                plots.push(Plot::Line(line.with_stroke_width(width)));
                if self.points.len() == 1 {
                    // A line of one point would not be seen.
                    plots.push(Plot::Scatter(marks(1.5 * width)));
                }
                plots
            }
            Look::MarksAlongX(mark) => {
                vec![Plot::Scatter(marks(4.5).with_marker(shape(mark)).with_x_err(self.spread.iter().copied()))]
            }
            Look::MarksAlongY(mark) => {
                vec![Plot::Scatter(marks(4.5).with_marker(shape(mark)).with_y_err(self.spread.iter().copied()))]
            }
            Look::Dots => vec![Plot::Scatter(marks(2.4).with_marker_opacity(0.45))],
            Look::Bubbles => vec![Plot::Scatter(marks(4.0).with_sizes(self.spread.iter().copied()))],
        }
    }
}

impl Chart {
    /// The `<svg>` element.
    pub fn svg(&self) -> String {
        let (width, height) = self.size;
        let ink = "var(--ink)";
        let theme = Theme {
            background: "none".into(),
            axis_color: "var(--rule)".into(),
            grid_color: "var(--grid)".into(),
            tick_color: "var(--rule)".into(),
            text_color: ink.into(),
            ..Theme::light()
        };
        let mut layout = Layout::new(self.x.range, self.y.range)
            .with_width(width)
            .with_height(height)
            .with_theme(theme)
            .with_font_family("inherit")
            .with_label_size(12)
            .with_tick_size(11)
            .with_x_label(&self.x.label)
            .with_x_label_offset(0.0, -8.0)
            .with_x_tick_step(self.x.step)
            .with_x_axis_min(self.x.range.0)
            .with_x_axis_max(self.x.range.1)
            .with_y_axis_min(self.y.range.0)
            .with_y_axis_max(self.y.range.1)
            .with_tick_format(TickFormat::Custom(Arc::new(tick_text)));
        if !self.y.label.is_empty() {
            layout = layout.with_y_label(&self.y.label);
        }
        layout = match self.y.names.is_empty() {
            true => layout.with_y_tick_step(self.y.step),
            false => layout.with_y_categories(self.y.names.clone()),
        };
        if let Some(at) = self.mark_x {
            layout = layout.with_reference_line(ReferenceLine::vertical(at).with_color(ink).with_dasharray("3 3"));
        }
        let plots = self.grid_beside_names().chain(self.series.iter().flat_map(Series::plots)).collect();
        let drawn = SvgBackend.render_scene(&render_multiple(plots, layout));
        scalable(&drawn, &self.description)
    }

    /// The library draws no grid beside names, but a row is read along its values.
    fn grid_beside_names(&self) -> impl Iterator<Item = Plot> {
        let (bottom, top) = self.y.range;
        let line = move |at| {
            let line = LinePlot::new().with_data([(at, bottom), (at, top)]);
            Plot::Line(line.with_color("var(--grid)").with_stroke_width(1.0))
        };
        self.x.ticks().filter(|_| !self.y.names.is_empty()).map(line)
    }
}

/// Up to two decimals, none that say nothing, and a true minus sign.
fn tick_text(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    if text == "−0" { "0".into() } else { text }
}

/// The library gives a fixed width and height; a view box lets the page shrink it, a label tells what is drawn.
fn scalable(svg: &str, description: &str) -> String {
    let (width, height) = (attribute(svg, "width"), attribute(svg, "height"));
    let sized = format!("width=\"{width}\" height=\"{height}\"");
    let description = super::html::escape(description);
    let fluid = format!("width=\"{width}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{description}\"");
    svg.replacen(&sized, &fluid, 1)
}

/// The library numbers its clip paths through the whole process; here they are numbered through the page, so that one
/// report is one text.
pub fn number_clip_paths(page: &str) -> String {
    const PREFIX: &str = "kuva-clip-";
    let mut parts = page.split(PREFIX);
    let mut numbered = parts.next().unwrap_or_default().to_string();
    let mut known: Vec<&str> = Vec::new();
    for part in parts {
        let (number, rest) = part.split_at(part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len()));
        let place = known.iter().position(|k| *k == number).unwrap_or(known.len());
        if place == known.len() {
            known.push(number);
        }
        numbered += &format!("clip-{place}{rest}");
    }
    numbered
}

fn attribute<'a>(svg: &'a str, name: &str) -> &'a str {
    svg.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"')).map_or("", |(value, _)| value)
}
