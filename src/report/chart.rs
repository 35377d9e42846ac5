//! The only file that uses the plotting library (kuva): a [`Chart`] becomes an `<svg>` element.
//!
//! Colours are CSS variables of the page, so that one drawing serves light, dark and print. The page draws the legends.

use std::sync::Arc;

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::colormap::ColorMap;
use kuva::plot::legend::{LegendEntry, LegendPosition, LegendShape};
use kuva::plot::scatter::MarkerShape;
use kuva::plot::{BandPlot, Heatmap, LinePlot, ScatterPlot};
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
    /// Whether values are decimal logarithms, to be read as powers of ten.
    pub log: bool,
}

impl Axis {
    /// A numeric axis.
    pub fn new(label: &str, range: (f64, f64), step: f64) -> Self {
        Self { label: label.into(), range, step, names: Vec::new(), log: false }
    }

    /// An axis of names, the first at 1.
    pub fn of_names(names: Vec<String>) -> Self {
        Self { label: String::new(), range: (0.4, names.len() as f64 + 0.6), step: 0.0, names, log: false }
    }

    /// An axis of decimal logarithms.
    pub fn of_powers(label: &str, range: (f64, f64)) -> Self {
        let step = ((range.1 - range.0) / 6.0).ceil().max(1.0);
        Self { log: true, ..Self::new(label, range, step) }
    }

    fn tick_format(&self) -> TickFormat {
        TickFormat::Custom(Arc::new(if self.log { power_text } else { tick_text }))
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
    Line {
        /// Pixels.
        width: f64,
        /// SVG's `stroke-dasharray`, `none` for a whole line.
        dash: &'static str,
    },
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
    /// One number per point; its meaning follows from `look`.
    pub spread: Vec<f64>,
    /// How it is drawn.
    pub look: Look,
}

/// A drawing with two axes.
pub struct Chart {
    /// Description for screen readers.
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
    fn plots(&self, paint: Paint) -> Vec<Plot> {
        let colour = paint(&self.colour);
        let marks = |size: f64| ScatterPlot::new().with_data(self.points.clone()).with_color(&colour).with_size(size);
        match self.look {
            Look::Line { width, dash } => {
                let mut plots = Vec::new();
                if !self.spread.is_empty() {
                    let edge = |sign: f64| self.points.iter().zip(&self.spread).map(move |((_, y), s)| y + sign * s);
                    let band = BandPlot::new(self.points.iter().map(|p| p.0), edge(-1.0), edge(1.0));
                    plots.push(Plot::Band(band.with_color(&colour).with_opacity(0.18)));
                }
                let mut line = LinePlot::new().with_data(self.points.clone()).with_color(&colour);
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

/// What a colour of the page is drawn as.
type Paint = fn(&str) -> String;

/// As a variable of the page, which sets it for light, dark and print.
fn on_page(colour: &str) -> String {
    colour.into()
}

/// As the colour it has in print, for a drawing without a page.
fn on_paper(colour: &str) -> String {
    let name = colour.strip_prefix("var(").and_then(|rest| rest.strip_suffix(')'));
    let known = name.and_then(|name| include_str!("style.css").split_once(&format!("{name}: ")));
    known.and_then(|(_, rest)| rest.split_once(';')).map_or(colour.into(), |(value, _)| value.into())
}

/// An entry of the legend of a drawing without a page.
pub struct Key {
    /// Name of the series.
    pub label: String,
    /// A CSS colour.
    pub colour: String,
    /// Dashes of its line, `none` for a whole one.
    pub dash: &'static str,
}

fn theme(paint: Paint, background: &str) -> Theme {
    Theme {
        background: background.into(),
        axis_color: paint("var(--rule)"),
        grid_color: paint("var(--grid)"),
        tick_color: paint("var(--rule)"),
        text_color: paint("var(--ink)"),
        ..Theme::light()
    }
}

/// A drawing without a page: SVG and PNG, the latter at twice the size.
fn standalone(plots: Vec<Plot>, layout: Layout) -> (String, Result<Vec<u8>, String>) {
    let scene = render_multiple(plots, layout);
    (number_clip_paths(&SvgBackend.render_scene(&scene)), PngBackend::new().render_scene(&scene))
}

impl Chart {
    /// The `<svg>` element.
    pub fn svg(&self) -> String {
        let layout = self.layout(on_page).with_theme(theme(on_page, "none")).with_font_family("inherit");
        let drawn = SvgBackend.render_scene(&render_multiple(self.plots(on_page), layout));
        scalable(&drawn, &self.description)
    }

    /// An SVG file and a PNG file with this legend.
    pub fn files(&self, legend: &[Key]) -> (String, Result<Vec<u8>, String>) {
        let entry = |key: &Key| LegendEntry {
            label: key.label.clone(),
            color: on_paper(&key.colour),
            shape: LegendShape::Line,
            dasharray: (key.dash != "none").then(|| key.dash.into()),
        };
        let mut layout = self.layout(on_paper).with_theme(theme(on_paper, "white"));
        if !legend.is_empty() {
            layout = layout
                .with_legend_entries(legend.iter().map(entry).collect())
                .with_legend_position(LegendPosition::OutsideBottomColumns);
        }
        standalone(self.plots(on_paper), layout)
    }

    fn plots(&self, paint: Paint) -> Vec<Plot> {
        self.grid_beside_names(paint).chain(self.series.iter().flat_map(|series| series.plots(paint))).collect()
    }

    fn layout(&self, paint: Paint) -> Layout {
        let (width, height) = self.size;
        let mut layout = Layout::new(self.x.range, self.y.range)
            .with_width(width)
            .with_height(height)
            .with_label_size(12)
            .with_tick_size(11)
            .with_x_label(&self.x.label)
            .with_x_label_offset(0.0, -8.0)
            .with_x_tick_step(self.x.step)
            .with_x_axis_min(self.x.range.0)
            .with_x_axis_max(self.x.range.1)
            .with_y_axis_min(self.y.range.0)
            .with_y_axis_max(self.y.range.1);
        layout.x_tick_format = self.x.tick_format();
        layout.y_tick_format = self.y.tick_format();
        if !self.y.label.is_empty() {
            layout = layout.with_y_label(&self.y.label);
        }
        layout = match self.y.names.is_empty() {
            true => layout.with_y_tick_step(self.y.step),
            false => layout.with_y_categories(self.y.names.clone()),
        };
        if let Some(at) = self.mark_x {
            let line = ReferenceLine::vertical(at).with_color(paint("var(--ink)")).with_dasharray("3 3");
            layout = layout.with_reference_line(line);
        }
        layout
    }

    /// The library draws no grid beside names, but a row is read along its values.
    fn grid_beside_names(&self, paint: Paint) -> impl Iterator<Item = Plot> {
        let (bottom, top) = self.y.range;
        let line = move |at| {
            let line = LinePlot::new().with_data([(at, bottom), (at, top)]);
            Plot::Line(line.with_color(paint("var(--grid)")).with_stroke_width(1.0))
        };
        self.x.ticks().filter(|_| !self.y.names.is_empty()).map(line)
    }
}

/// Up to two decimals without trailing zeros, and a true minus sign.
fn tick_text(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    if text == "−0" { "0".into() } else { text }
}

/// "10⁻³" for -3; nothing between whole powers.
fn power_text(exponent: f64) -> String {
    if (exponent - exponent.round()).abs() > 1e-6 {
        return String::new();
    }
    let raised = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        // The other digits are consecutive in Unicode.
        digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    };
    format!("10{}", format!("{exponent:.0}").replace("-0", "0").chars().map(raised).collect::<String>())
}

/// A grid of shaded cells with their values.
pub struct HeatMap {
    /// Description for screen readers.
    pub description: String,
    /// What the rows are, and their names from below.
    pub rows: (String, Vec<String>),
    /// What the columns are, and their names.
    pub columns: (String, Vec<String>),
    /// What the shade means.
    pub values_are: String,
    /// Values by row, then column. A cell without a value is NaN and stays empty.
    pub values: Vec<Vec<f64>>,
}

impl HeatMap {
    /// The `<svg>` element.
    pub fn svg(&self) -> String {
        let layout = self.layout().with_theme(theme(on_page, "none")).with_font_family("inherit");
        // A cell is mixed by the page, so that its text contrasts with it in light and dark.
        let shade = |share: f64| format!("color-mix(in srgb, var(--classical-0) {:.0}%, var(--paper))", 62.0 * share);
        scalable(&SvgBackend.render_scene(&render_multiple(self.plots(shade), layout)), &self.description)
    }

    /// An SVG file and a PNG file.
    pub fn files(&self) -> (String, Result<Vec<u8>, String>) {
        // The same mixture on white: 62 % of #4477AA at most.
        let shade = |share: f64| {
            let [red, green, blue] = [68.0, 119.0, 170.0].map(|full: f64| 255.0 - (255.0 - full) * 0.62 * share);
            format!("rgb({red:.0},{green:.0},{blue:.0})")
        };
        standalone(self.plots(shade), self.layout().with_theme(theme(on_paper, "white")))
    }

    fn plots(&self, shade: impl Fn(f64) -> String + Send + Sync + 'static) -> Vec<Plot> {
        // The library draws the first row lowest, as an axis counts.
        let map = Heatmap::new()
            .with_data(self.values.iter().cloned())
            .with_color_map(ColorMap::Custom(Arc::new(shade)))
            .with_legend(&self.values_are);
        vec![Plot::Heatmap(map.with_values())]
    }

    fn layout(&self) -> Layout {
        let (columns, rows) = (self.columns.1.len() as f64, self.rows.1.len() as f64);
        Layout::new((0.5, columns + 0.5), (0.5, rows + 0.5))
            .with_width(230.0 + 70.0 * columns)
            .with_height(120.0 + 46.0 * rows)
            .with_label_size(12)
            .with_tick_size(11)
            .with_x_label(&self.columns.0)
            .with_y_label(&self.rows.0)
            .with_x_categories(self.columns.1.clone())
            .with_y_categories(self.rows.1.clone())
    }
}

/// The library gives a fixed width and height. A view box lets the page shrink it, a label describes the drawing.
fn scalable(svg: &str, description: &str) -> String {
    let (width, height) = (attribute(svg, "width"), attribute(svg, "height"));
    let sized = format!("width=\"{width}\" height=\"{height}\"");
    let description = crate::report::html::escape(description);
    let fluid = format!("width=\"{width}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{description}\"");
    svg.replacen(&sized, &fluid, 1)
}

/// The library numbers its clip paths through the whole process. Here they are numbered through the page, so that one
/// report is one text.
pub fn number_clip_paths(page: &str) -> String {
    const PREFIX: &str = "kuva-clip-";
    let mut parts = page.split(PREFIX);
    let mut numbered = parts.next().unwrap_or_default().to_string();
    let mut known: Vec<&str> = Vec::new();
    for part in parts {
        let (number, rest) = part.split_at(part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len()));
        let index = known.iter().position(|k| *k == number).unwrap_or(known.len());
        if index == known.len() {
            known.push(number);
        }
        numbered += &format!("clip-{index}{rest}");
    }
    numbered
}

fn attribute<'a>(svg: &'a str, name: &str) -> &'a str {
    svg.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"')).map_or("", |(value, _)| value)
}
