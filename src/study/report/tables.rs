//! The tables and lists of the page, and the numbers in them.

use std::fmt::Write;

use super::html::family;
use super::{Confusion, HeadRow, MetricValue, Report};
use crate::math::words::pluralise;
use crate::report::html::escape;
use crate::study::compare::{Comparison, Question, points, signed};
use crate::study::energy::Usage;
use crate::study::metric::{Better, METRICS};
use crate::study::stats::Interval;
use crate::study::stats::Spread;

/// "87.4 ± 1.2" in per cent.
pub fn per_cent(values: &[f64]) -> String {
    match Spread::of(values) {
        Some(Spread { mean, sd: Some(sd) }) => format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * sd),
        Some(Spread { mean, sd: None }) => format!("{:.1}", 100.0 * mean),
        None => "–".into(),
    }
}

/// "0.912 ± 0.008", or why there is no value.
pub fn metric(value: &MetricValue) -> String {
    match (&value.value, &value.undefined) {
        (Some(Spread { mean, sd: Some(sd) }), _) => format!("{mean:.3} ± {sd:.3}"),
        (Some(Spread { mean, sd: None }), _) => format!("{mean:.3}"),
        (None, Some(reason)) => format!("none: {reason}"),
        (None, None) => "–".into(),
    }
}

/// Seconds or joules in three significant digits.
pub fn three_digits(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}

/// Joules, an estimate marked with a tilde.
pub fn joules(usage: &Usage) -> String {
    format!("{}{}", if usage.estimated { "~" } else { "" }, three_digits(usage.joules))
}

/// Time and energy of a head, if they were taken.
pub fn usage<'a>(report: &'a Report, head: &HeadRow) -> Option<&'a Usage> {
    report.timing.heads.iter().find(|(name, _)| *name == head.name).map(|(_, usage)| usage)
}

/// Seeds of the run: "5 seeds".
pub fn seeds(report: &Report) -> String {
    pluralise(report.heads.iter().map(|head| head.last_epoch.len()).max().unwrap_or(0), "seed")
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "&lt; 0.001".into() } else { format!("{p:.3}") }
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or("–".into(), |i| format!("{} to {}", points(i.low), points(i.high)))
}

/// A table below its caption; cells are HTML already. The caption stands outside, where it wraps while the table scrolls.
fn table(caption: &str, header: &[String], rows: &[String]) -> String {
    let header: String = header.iter().map(|cell| format!("<th scope=\"col\">{cell}</th>")).collect();
    format!(
        "<p class=\"caption\">{caption}</p>\n<div class=\"scroll\"><table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{}\n\
         </tbody>\n</table></div>\n",
        rows.join("\n")
    )
}

/// "0.848 ± 0.035" with its spread below the mean: eleven columns fit a page that way.
fn two_lines(cell: &str) -> String {
    cell.split_once(" ± ").map_or(cell.to_string(), |(mean, sd)| format!("{mean}<small class=\"sd\">± {sd}</small>"))
}

fn row(cells: &[String]) -> String {
    let (first, rest) = cells.split_first().map_or((String::new(), cells), |(first, rest)| (first.clone(), rest));
    let rest: String = rest.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr><th scope=\"row\">{first}</th>{rest}</tr>")
}

/// The line under the title.
pub fn facts(report: &Report) -> String {
    let environment = &report.environment;
    let told = [
        format!("{}, {}", pluralise(report.heads.len(), "head"), seeds(report)),
        format!("judged on {}", report.hold_out.judged_on()),
        format!("engine {}", environment.engine),
        format!("precision {}", environment.precision),
        format!("device {}", environment.device),
    ];
    format!("<p class=\"facts\">{}</p>\n", told.map(|fact| escape(&fact)).join(" · "))
}

/// Every head with every metric, time and energy.
pub fn results(report: &Report) -> String {
    let others = || METRICS.iter().filter(|row| row.name != "accuracy");
    let arrow = |better| if better == Better::Higher { "↑" } else { "↓" };
    let mut header: Vec<String> =
        ["Head", "Parameters", "Accuracy %<br>last epoch ↑", "Accuracy %<br>best val. epoch ↑"]
            .map(String::from)
            .to_vec();
    header.extend(others().map(|row| {
        let doc = escape(row.doc);
        let heading = row.heading.replace(' ', "<br>");
        format!("<abbr title=\"{doc}\">{heading}</abbr> {}", arrow(row.better))
    }));
    header.extend(["Time<br>s / seed", "Energy<br>J / seed"].map(String::from));
    let of_head = |head: &HeadRow| {
        let mut cells = vec![
            format!(
                "{} <small class=\"{1}\">{1}</small><small class=\"doc\">{2}</small>",
                escape(&head.name),
                family(head.family),
                escape(&head.doc)
            ),
            head.parameters.to_string(),
            two_lines(&per_cent(&head.last_epoch)),
            two_lines(&per_cent(&head.best_validation)),
        ];
        cells.extend(others().map(|row| {
            head.metrics
                .iter()
                .find(|value| value.name == row.name)
                .map_or("–".into(), |value| two_lines(&escape(&metric(value))))
        }));
        let usage = usage(report, head);
        cells.push(usage.map_or("–".into(), |u| three_digits(u.wall_seconds)));
        cells.push(usage.map_or("–".into(), joules));
        row(&cells)
    };
    let rows: Vec<String> = report.heads.iter().map(of_head).collect();
    let judged = report.hold_out.judged_on();
    let caption = format!(
        "Mean ± standard deviation over {}, on {judged} samples, without noise in the evaluation. ↑ higher is better, ↓ \
         lower. Metrics beside accuracy are those of the last epoch. ~ marks an estimate.",
        seeds(report)
    );
    let hold_out = format!("<p class=\"note\"><b>Hold-out.</b> {}</p>\n", report.hold_out.sentence());
    table(&caption, &header, &rows) + &hold_out
}

/// Every paired comparison with its intervals, tests and effect size.
pub fn comparisons(report: &Report) -> String {
    if report.comparisons.is_empty() {
        return String::new();
    }
    let header = [
        "Pair",
        "Difference<br>points",
        "95% CI<br>paired t",
        "95% CI<br>bootstrap BCa",
        "p<br>paired t",
        "p<br>Wilcoxon",
        "p Wilcoxon<br>Holm",
        "d<sub>z</sub>",
        "Win / tie / loss<br>seeds",
    ];
    let mut rows = Vec::new();
    for question in Question::ALL {
        let own: Vec<&Comparison> = report.comparisons.iter().filter(|c| c.question == question).collect();
        if !own.is_empty() {
            rows.push(format!("<tr class=\"group\"><th colspan=\"{}\">{}</th></tr>", header.len(), question.heading()));
        }
        rows.extend(own.iter().map(|c| {
            row(&[
                format!("{} − {}", escape(&c.head), escape(&c.baseline)),
                format!("<b>{}</b>", signed(c.difference)),
                interval(c.interval),
                interval(c.bootstrap),
                c.t_test.map_or("–".into(), p_value),
                p_value(c.wilcoxon),
                p_value(c.wilcoxon_holm),
                c.effect_size.map_or("–".into(), |d| format!("{d:.2}").replace('-', "−")),
                format!("{} / {} / {}", c.wins, c.ties, c.losses),
            ])
        }));
    }
    let seeds = report.comparisons.iter().map(|c| c.seeds).max().unwrap_or(0);
    // All signs equal is the rarest pattern: two of 2^n.
    let smallest = 2.0 / 2f64.powi(seeds as i32);
    let caption = format!(
        "Accuracy of the same seeds side by side. Tests are two-sided; Holm's correction is over {}. With {} \
         Wilcoxon's p cannot fall below {}. d<sub>z</sub>: mean difference over its standard deviation.",
        pluralise(report.comparisons.len(), "comparison"),
        pluralise(seeds, "seed"),
        p_value(smallest.min(1.0))
    );
    let note = "<p class=\"note\"><b>What an interval says.</b> It covers chance in training (initial weights, order of \
                batches) on this split of this data. It does not say that the difference carries to other data, and \
                the intervals themselves are not corrected for their number.</p>\n";
    table(&caption, &header.map(String::from), &rows) + note
}

/// One matrix per head, cells shaded by their share of the true class.
pub fn confusions(report: &Report) -> String {
    let one = |confusion: &Confusion| {
        let name = |class: usize| escape(report.classes.get(class).map_or("?", String::as_str));
        let classes = 0..confusion.counts.len();
        let header: String = classes.clone().map(|class| format!("<th scope=\"col\">{}</th>", name(class))).collect();
        let mut rows = String::new();
        for (class, counts) in confusion.counts.iter().enumerate() {
            let all = counts.iter().sum::<usize>().max(1) as f64;
            let cells: String = counts
                .iter()
                .map(|count| {
                    let share = 100.0 * *count as f64 / all;
                    format!("<td style=\"--share:{share:.0}%\"><b>{share:.0}%</b><br><small>{count}</small></td>")
                })
                .collect();
            let _ = write!(rows, "<tr><th scope=\"row\">{}</th>{cells}</tr>", name(class));
        }
        format!(
            "<table class=\"confusion\"><caption><b>{}</b></caption><thead><tr><td></td>{header}</tr></thead>\
             <tbody>{rows}</tbody></table>\n",
            escape(&confusion.head)
        )
    };
    let all: String = report.confusions.iter().map(one).collect();
    if all.is_empty() {
        return all;
    }
    format!(
        "<p>Rows: the true class. Columns: the predicted class. Per cent of the true class, below it the count over all \
         seeds, at the last epoch.</p>\n<div class=\"grid\">\n{all}</div>\n"
    )
}

/// Areas under the pooled ROC curves.
pub fn areas(report: &Report) -> String {
    let mut classes: Vec<usize> = report.rocs.iter().map(|roc| roc.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut header = vec!["Head".to_string()];
    header.extend(classes.iter().map(|class| escape(report.classes.get(*class).map_or("?", String::as_str))));
    let of_head = |head: &HeadRow| {
        let area = |class: &usize| {
            let own = report.rocs.iter().find(|roc| roc.head == head.name && roc.class == *class);
            own.map_or("–".into(), |roc| format!("{:.3}", roc.area))
        };
        row(&std::iter::once(escape(&head.name)).chain(classes.iter().map(area)).collect::<Vec<_>>())
    };
    let drawn = report.heads.iter().filter(|head| report.rocs.iter().any(|roc| roc.head == head.name));
    let areas = table("Area under each curve", &header, &drawn.map(of_head).collect::<Vec<_>>());
    format!("<div class=\"narrow\">{areas}</div>")
}

fn pairs(caption: &str, list: &[(String, String)]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let items: String = list.iter().map(|(k, v)| format!("<dt>{}</dt><dd>{}</dd>", escape(k), escape(v))).collect();
    format!("<div><h3>{caption}</h3><dl>{items}</dl></div>\n")
}

/// Environment, cost, settings and files.
pub fn method(report: &Report) -> String {
    let environment = &report.environment;
    let mut ran = vec![
        ("engine".to_string(), environment.engine.clone()),
        ("precision".to_string(), environment.precision.clone()),
        ("device".to_string(), environment.device.clone()),
    ];
    ran.extend(environment.versions.iter().cloned());
    let timing = &report.timing;
    let total = &timing.total;
    let how =
        if total.estimated { "estimated from processor time" } else { "measured by RAPL counters, whole package" };
    let cost = [
        ("threads".to_string(), timing.threads.to_string()),
        ("wall time".to_string(), format!("{} s", three_digits(total.wall_seconds))),
        ("processor time".to_string(), format!("{} s", three_digits(total.cpu_seconds))),
        ("energy".to_string(), format!("{} J ({how})", joules(total))),
        ("CO2 equivalent".to_string(), format!("{} g", three_digits(timing.co2_grams))),
        ("assumed".to_string(), timing.basis.clone()),
    ];
    format!(
        "<div class=\"grid wide\">\n{}{}{}{}</div>\n",
        pairs("Environment", &ran),
        pairs("Cost of the whole run", &cost),
        pairs("Settings", &report.settings),
        pairs("Files beside this page", &report.files)
    )
}

/// Every notice, or that there is none.
pub fn notices(report: &Report) -> String {
    if report.notices.is_empty() {
        return "<p>None: nothing was repaired, skipped or replaced.</p>\n".into();
    }
    let items: String = report.notices.iter().map(|notice| format!("<li>{}</li>\n", escape(notice))).collect();
    format!("<ul class=\"notices\">\n{items}</ul>\n")
}
