//! The figures of studies that train heads.

use crate::report::{Block, Drawing, Figure, Line, Scale, Table};
use crate::study::stats;
use crate::study::stats::per_cent;
use crate::systems::qtl::battery::job::{Job, Noise};
use crate::systems::qtl::battery::plan::StudyRow;
use crate::systems::qtl::battery::tell::trained::trained;
use crate::systems::qtl::battery::tell::{Finished, grouped, values};

/// The figures of a study: its own, then learning curves.
pub fn blocks(study: &StudyRow, runs: &[&Finished<'_>]) -> Vec<Block> {
    let own = match study.name {
        "ablation" => heat_maps(runs),
        "noise_decomposition" => by_channel(runs),
        "few_shots" => by_shots(runs),
        "noise_scaling" => return noise_scaling(study, runs).into_iter().chain(learning(study, runs)).collect(),
        _ => by_head(study, runs),
    };
    let drawn = (!own.is_empty()).then_some(Block::Figures(own));
    drawn.into_iter().chain(learning(study, runs)).collect()
}

/// Mean and standard deviation (0 of one value) in per cent.
fn spread(values: &[f64]) -> Option<(f64, f64)> {
    Some((100.0 * stats::mean(values)?, 100.0 * stats::sd(values).unwrap_or(0.0)))
}

fn last(runs: &[&Finished<'_>]) -> Option<(f64, f64)> {
    spread(&runs.iter().map(|run| trained(run).last).collect::<Vec<_>>())
}

/// Lines of (x, mean) with the spread of each point; points without a value are left out.
fn line(label: &str, points: impl Iterator<Item = (f64, Option<(f64, f64)>)>) -> Line {
    let (points, spread) = points.filter_map(|(x, value)| value.map(|(mean, sd)| ((x, mean), sd))).unzip();
    Line { label: label.into(), points, spread, guide: false }
}

fn having<'a, 'b>(runs: &[&'a Finished<'b>], key: &str, value: &str) -> Vec<&'a Finished<'b>> {
    runs.iter().copied().filter(|run| run.run.labels.get(key) == value).collect()
}

/// One row per head, one mark per data set.
fn by_head(study: &StudyRow, runs: &[&Finished<'_>]) -> Vec<Figure> {
    let heads = values(runs, "head");
    let of_data = |dataset: &&str| {
        let own = having(runs, "dataset", dataset);
        // Marks: value, then row.
        let marks = heads.iter().enumerate().filter_map(|(row, head)| Some((row, last(&having(&own, "head", head))?)));
        let (points, spread) = marks.map(|(row, (mean, sd))| ((mean, row as f64), sd)).unzip();
        Line { label: dataset.to_string(), points, spread, guide: false }
    };
    vec![Figure {
        name: format!("{}_heads", study.name),
        caption:
            "Accuracy on test rows at the last epoch by head; mark and whiskers: mean ± sd over backbones and seeds"
                .into(),
        drawing: Drawing::Rows {
            names: heads.iter().map(|head| head.to_string()).collect(),
            x: "accuracy on test rows (%)".into(),
            lines: values(runs, "dataset").iter().map(of_data).collect(),
        },
    }]
}

/// Accuracy by qubits and depth, a map for each head that has both.
fn heat_maps(runs: &[&Finished<'_>]) -> Vec<Figure> {
    let (qubits, depths) = (values(runs, "qubits"), values(runs, "depth"));
    let map = |head: &&str| {
        let own = having(runs, "head", head);
        let cell = |depth: &&str, width: &&str| {
            last(&having(&having(&own, "depth", depth), "qubits", width)).map_or(f64::NAN, |(mean, _)| mean)
        };
        Figure {
            name: format!("ablation_{}", head.replace('@', "_")),
            caption: format!("{head}: accuracy on test rows (%) by width and depth, mean over data and seeds"),
            drawing: Drawing::Cells {
                rows: ("layers".into(), depths.iter().map(|depth| depth.to_string()).collect()),
                columns: ("qubits".into(), qubits.iter().map(|width| width.to_string()).collect()),
                shade: "accuracy (%)".into(),
                values: depths.iter().map(|depth| qubits.iter().map(|width| cell(depth, width)).collect()).collect(),
            },
        }
    };
    values(runs, "head").iter().map(map).collect()
}

/// One row per source of noise, one mark per head and device.
fn by_channel(runs: &[&Finished<'_>]) -> Vec<Figure> {
    let channels = values(runs, "channel");
    let lines = grouped(runs, &["head", "device"]).into_iter().map(|(name, own)| {
        let marks = channels.iter().enumerate().filter_map(|(row, c)| Some((row, last(&having(&own, "channel", c))?)));
        let (points, spread) = marks.map(|(row, (mean, sd))| ((mean, row as f64), sd)).unzip();
        Line { label: name.join(" under "), points, spread, guide: false }
    });
    vec![Figure {
        name: "noise_decomposition".into(),
        caption:
            "Accuracy on test rows of heads trained and judged under one source of noise; mean ± sd over data and seeds"
                .into(),
        drawing: Drawing::Rows {
            names: channels.iter().map(|channel| channel.to_string()).collect(),
            x: "accuracy on test rows (%)".into(),
            lines: lines.collect(),
        },
    }]
}

/// Accuracy against shots; exact values, which no number of shots reaches, are dotted lines.
fn by_shots(runs: &[&Finished<'_>]) -> Vec<Figure> {
    let mut lines = Vec::new();
    let shots: Vec<(f64, &str)> = values(runs, "shots").iter().filter_map(|s| Some((s.parse().ok()?, *s))).collect();
    let (Some(first), Some(end)) = (shots.first(), shots.last()) else { return Vec::new() };
    for (name, own) in grouped(runs, &["head", "device", "mitigation"]) {
        let label = match name[..] {
            [head, device, "none"] => format!("{head} on {device}"),
            [head, device, mitigation] => format!("{head} on {device}, {}", mitigation.replace('_', " ")),
            _ => name.join(" "),
        };
        lines.push(line(&label, shots.iter().map(|(x, text)| (*x, last(&having(&own, "shots", text))))));
        if let Some((exact, _)) = last(&having(&own, "shots", "exact")) {
            let points = vec![(first.0, exact), (end.0, exact)];
            lines.push(Line { label: format!("{label}, exact"), points, spread: Vec::new(), guide: true });
        }
    }
    vec![Figure {
        name: "few_shots".into(),
        caption: "Accuracy on test rows against shots, in training and judging; mean ± sd over data and seeds".into(),
        drawing: Drawing::Lines {
            x: ("shots".into(), Scale::Powers),
            y: ("accuracy on test rows (%)".into(), Scale::Linear),
            lines,
            bands: false,
        },
    }]
}

/// Test accuracies of runs under one noise.
fn under(runs: &[&Finished<'_>], device: &str, channel: &str, scale: f64) -> Vec<f64> {
    let matches = |noise: &Noise| noise.device == device && noise.channel == channel && noise.scale == scale;
    let found = |run: &&Finished<'_>| {
        let Job::Training(job) = &run.run.job else { return None };
        job.judged.iter().position(matches).map(|place| trained(run).judged[place])
    };
    runs.iter().filter_map(found).collect()
}

/// Accuracy against the factor on each source of noise: a table, and a figure for each device and head.
fn noise_scaling(study: &StudyRow, runs: &[&Finished<'_>]) -> Vec<Block> {
    let mut settings: Vec<(&str, &str)> = Vec::new();
    let mut scales: Vec<f64> = Vec::new();
    for run in runs {
        let Job::Training(job) = &run.run.job else { continue };
        for noise in &job.judged {
            let setting = (noise.device.as_str(), noise.channel.as_str());
            if !settings.contains(&setting) {
                settings.push(setting);
            }
            if !scales.contains(&noise.scale) {
                scales.push(noise.scale);
            }
        }
    }
    scales.sort_by(f64::total_cmp);
    let mut devices: Vec<&str> = settings.iter().map(|(device, _)| *device).collect();
    devices.dedup();
    let mut table = Table::new(
        "noise_scaling_accuracy",
        &format!(
            "{}: accuracy % on test rows by the factor on the noise, mean ± sd over data and seeds",
            study.heading
        ),
        &["head", "device", "channel"],
        3,
    );
    table.header.extend(scales.iter().map(|scale| format!("× {scale}")));
    let mut figures = Vec::new();
    for (name, own) in grouped(runs, &["head"]) {
        let head = name[0];
        for device in &devices {
            let mut lines = Vec::new();
            for (_, channel) in settings.iter().filter(|(d, _)| d == device) {
                let at = |scale: &f64| under(&own, device, channel, *scale);
                let mut drawn = line(channel, scales.iter().map(|scale| (*scale, spread(&at(scale)))));
                // Whiskers of several sources at one factor hide each other; the table has them.
                drawn.spread.clear();
                if drawn.points.is_empty() {
                    continue;
                }
                lines.push(drawn);
                let cells = [head, device, channel].map(String::from).into_iter();
                table.rows.push(cells.chain(scales.iter().map(|scale| per_cent(&at(scale)))).collect());
            }
            if !lines.is_empty() {
                figures.push(Figure {
                    name: format!("noise_scaling_{}_{device}", head.replace('@', "_")),
                    caption: format!(
                        "{head} under {device}: accuracy against the factor on each source of its noise (1: as \
                                      calibrated); mean over data and seeds"
                    ),
                    drawing: Drawing::Lines {
                        x: ("factor on the noise".into(), Scale::Linear),
                        y: ("accuracy on test rows (%)".into(), Scale::Linear),
                        lines,
                        bands: false,
                    },
                });
            }
        }
    }
    let mut blocks = Vec::new();
    if !table.rows.is_empty() {
        blocks.push(Block::Table(table));
        blocks.push(Block::Figures(figures));
    }
    blocks
}

/// Bands that can be told apart in one figure.
const BANDS: usize = 4;

/// Validation accuracy by epoch, a figure for each data set, a line for each head, with a band if there are few.
fn learning(study: &StudyRow, runs: &[&Finished<'_>]) -> Option<Block> {
    let figure = |(name, own): (Vec<&str>, Vec<&Finished<'_>>)| {
        let mut lines: Vec<Line> = grouped(&own, &["head"])
            .into_iter()
            .map(|(head, own)| {
                let epochs = own.iter().map(|run| trained(run).history.len()).min().unwrap_or(0);
                let at = |epoch: usize| {
                    let values = own.iter().map(|run| trained(run).history[epoch].evaluation.metric);
                    spread(&values.collect::<Vec<_>>())
                };
                line(head[0], (0..epochs).map(|epoch| (epoch as f64 + 1.0, at(epoch))))
            })
            .filter(|line| !line.points.is_empty())
            .collect();
        let shown = if lines.len() <= BANDS { "line and band: mean ± sd" } else { "mean" };
        if lines.len() > BANDS {
            lines.iter_mut().for_each(|line| line.spread.clear());
        }
        (!lines.is_empty()).then(|| Figure {
            name: format!("{}_learning_{}", study.name, name[0]),
            caption: format!("{}: validation accuracy by epoch; {shown} over all runs of the head", name[0]),
            drawing: Drawing::Lines {
                x: ("epoch".into(), Scale::Linear),
                y: ("validation accuracy (%)".into(), Scale::Linear),
                lines,
                bands: true,
            },
        })
    };
    let figures: Vec<Figure> = grouped(runs, &["dataset"]).into_iter().filter_map(figure).collect();
    (!figures.is_empty()).then_some(Block::Figures(figures))
}
