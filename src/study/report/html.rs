//! The report as one HTML page: no script, no network, no second file; light, dark and paper by CSS.

use std::fmt::Write;

use super::plots::{self, distinct, ink};
use super::{Drawing, Family, Report, tables};
use crate::math::words::pluralise;
use crate::report::chart::number_clip_paths;
use crate::report::html::escape;
use crate::study::compare::Comparison;

/// One part of the page: anchor, heading and what fills it; an empty text leaves the part out.
struct Section {
    anchor: &'static str,
    heading: &'static str,
    body: fn(&Report) -> String,
}

const SECTIONS: [Section; 10] = [
    Section { anchor: "results", heading: "Results", body: results },
    Section { anchor: "comparisons", heading: "Paired comparisons", body: tables::comparisons },
    Section { anchor: "noise", heading: "Accuracy under noise", body: noise },
    Section { anchor: "learning", heading: "Learning curves", body: learning },
    Section { anchor: "confusion", heading: "Confusion matrices", body: tables::confusions },
    Section { anchor: "roc", heading: "ROC curves", body: roc },
    Section { anchor: "reliability", heading: "Reliability", body: reliability },
    Section { anchor: "circuit", heading: "The circuit", body: circuit },
    Section { anchor: "method", heading: "How it was run", body: tables::method },
    Section { anchor: "notices", heading: "Notices", body: tables::notices },
];

/// The whole page. The policy in its head makes a browser refuse anything from outside.
pub fn html(report: &Report) -> String {
    let sections: Vec<(&Section, String)> =
        SECTIONS.iter().map(|s| (s, (s.body)(report))).filter(|(_, body)| !body.is_empty()).collect();
    let mut page = String::new();
    let title = escape(&report.title);
    // Writing into a String cannot fail.
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n{}</header>\n{}<nav>",
        include_str!("../../report/style.css"),
        tables::facts(report),
        answers(report),
    );
    for (section, _) in &sections {
        let _ = write!(page, "<a href=\"#{}\">{}</a> ", section.anchor, section.heading);
    }
    page.push_str("</nav>\n");
    for (Section { anchor, heading, .. }, body) in &sections {
        let _ = write!(page, "<section id=\"{anchor}\">\n<h2>{heading}</h2>\n{body}</section>\n");
    }
    page.push_str("</body>\n</html>\n");
    number_clip_paths(&page)
}

/// `<figure>` with a caption above what is drawn.
pub fn figure(caption: &str, drawn: &str) -> String {
    format!("<figure><figcaption>{caption}</figcaption>{drawn}</figure>\n")
}

/// The heads by name with the colour, dash and mark they are drawn in.
fn legend<'a>(report: &Report, heads: impl Iterator<Item = &'a str>) -> String {
    let key = |head: &str| {
        let ink = ink(report, head);
        let mark = match ink.mark {
            "diamond" => "<path d=\"M16 1l5 5-5 5-5-5z\"/>",
            "triangle" => "<path d=\"M16 1l5 9h-10z\"/>",
            "square" => "<rect x=\"12\" y=\"2\" width=\"8\" height=\"8\"/>",
            _ => "<circle cx=\"16\" cy=\"6\" r=\"4.5\"/>",
        };
        format!(
            "<span class=\"key\"><svg viewBox=\"0 0 32 12\" width=\"32\" height=\"12\" aria-hidden=\"true\" \
             fill=\"{0}\"><line x1=\"0\" y1=\"6\" x2=\"32\" y2=\"6\" stroke=\"{0}\" stroke-width=\"2\" \
             stroke-dasharray=\"{1}\"/>{mark}</svg> {2}</span>",
            ink.colour,
            ink.dash,
            escape(head)
        )
    };
    let keys: Vec<String> = distinct(heads).into_iter().map(key).collect();
    format!("<p class=\"legend\">{}</p>\n", keys.join(" "))
}

fn answers(report: &Report) -> String {
    let mut cards = String::new();
    for answer in &report.answers {
        let told: Vec<&Comparison> = report.comparisons.iter().filter(|c| c.question == answer.question).collect();
        let drawn = if told.is_empty() { String::new() } else { plots::forest(&told).svg() };
        let evidence: String = answer.evidence.iter().map(|e| format!("<li>{}</li>", escape(e))).collect();
        let _ = write!(
            cards,
            "<article>\n<h2>{}</h2>\n<p class=\"verdict\">{}</p>\n{drawn}\n<ul>{evidence}</ul>\n</article>\n",
            answer.question.ask(),
            escape(&answer.verdict)
        );
    }
    let notices = match report.notices.len() {
        0 => String::new(),
        n => format!(
            "<p class=\"warn\">Read with these results: <a href=\"#notices\">{}</a>.</p>\n",
            pluralise(n, "notice")
        ),
    };
    format!("<div class=\"answers\">\n{cards}</div>\n{notices}")
}

fn results(report: &Report) -> String {
    if report.heads.is_empty() {
        return String::new();
    }
    let families =
        "Blue: no circuit. Red: a trained circuit. Green: a circuit with something taken away, as a control.";
    let caption = format!(
        "Accuracy at the last epoch. Dots: one seed each. Mark and whiskers: mean ± one standard deviation. {families}"
    );
    let drawn = plots::accuracy_by_head(report).svg();
    format!("{}{}", tables::results(report), figure(&caption, &drawn))
}

fn noise(report: &Report) -> String {
    if report.noise.is_empty() {
        return String::new();
    }
    let mut body = legend(report, report.noise.iter().map(|point| point.head.as_str()));
    let caption = "Each head in each evaluation setting as calibrated; whiskers: ± one standard deviation over seeds. \
                   The heads are the same, only their evaluation differs.";
    body += &figure(caption, &plots::noise_by_setting(report).svg());
    let sweeps: String = plots::swept(report)
        .into_iter()
        .map(|setting| {
            let caption = format!("<b>{}</b>, its noise scaled; dashed line: as calibrated", escape(setting));
            figure(&caption, &plots::noise_sweep(report, setting).svg())
        })
        .collect();
    format!("{body}<div class=\"grid pair\">\n{sweeps}</div>\n")
}

fn learning(report: &Report) -> String {
    let mut panels = String::new();
    for curve in &report.curves {
        let head = escape(&curve.head);
        let accuracy = plots::learning_accuracy(report, curve).svg();
        let loss = plots::learning_loss(report, curve).svg();
        panels += &figure(&format!("<b>{head}</b>"), &format!("{accuracy}{loss}"));
    }
    if panels.is_empty() {
        return panels;
    }
    format!(
        "<p>Above: validation accuracy, the other heads in grey. Below: loss on training samples (solid) and on \
         validation samples (dashed). Lines: mean over seeds; bands: ± one standard deviation.</p>\n\
         <div class=\"grid\">\n{panels}</div>\n"
    )
}

fn roc(report: &Report) -> String {
    if report.rocs.is_empty() {
        return String::new();
    }
    let mut classes: Vec<usize> = report.rocs.iter().map(|roc| roc.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let panels: String = classes
        .into_iter()
        .map(|class| {
            let name = report.classes.get(class).cloned().unwrap_or_else(|| class.to_string());
            figure(&format!("<b>{}</b> against the rest", escape(&name)), &plots::roc(report, class).svg())
        })
        .collect();
    format!(
        "{}<div class=\"grid wide\">\n{panels}</div>\n<p class=\"note\">Predictions of all seeds pooled. Dotted: chance.</p>\n{}",
        legend(report, report.rocs.iter().map(|roc| roc.head.as_str())),
        tables::areas(report)
    )
}

fn reliability(report: &Report) -> String {
    let panels: String = report
        .reliability
        .iter()
        .map(|d| figure(&format!("<b>{}</b>", escape(&d.head)), &plots::reliability(report, d).svg()))
        .collect();
    if panels.is_empty() {
        return panels;
    }
    format!(
        "<p>How often a head is right when it is this sure. On the dotted line confidence is honest; below it the head \
         is overconfident. Larger marks hold more samples (all seeds pooled).</p>\n\
         <div class=\"grid\">\n{panels}</div>\n"
    )
}

fn circuit(report: &Report) -> String {
    let Some(Drawing { svg, text, caption }) = &report.circuit else { return String::new() };
    let drawn = svg.clone().unwrap_or_default();
    let shown = format!("<pre>{}</pre>", escape(text));
    // A drawing says it at a glance, the text can be copied.
    let text = if svg.is_some() { format!("<details><summary>As text</summary>{shown}</details>") } else { shown };
    figure(&escape(caption), &format!("<div class=\"circuit\">{drawn}</div>{text}"))
}

/// The family of a head as a reader's word.
pub fn family(family: Family) -> &'static str {
    match family {
        Family::Classical => "classical",
        Family::Quantum => "quantum",
        Family::Control => "control",
    }
}
