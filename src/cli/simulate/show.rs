//! From numbers to text for people.

use std::collections::BTreeMap;

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::Arguments;
use super::answer::{Answer, ErrorAccount};
use super::mitigated::Mitigated;
use super::setup::Setup;
use crate::circuit::qasm::OutcomeRegister;
use crate::math::Seconds;
use crate::math::words::six_decimals;
use crate::sim::{CONES, sample};

/// Outcomes in the table; the rest is summed up.
const ROWS: usize = 16;
/// Characters of the longest bar.
const BAR: f64 = 30.0;

/// What ran, the most probable outcomes, expectation values, notices.
pub fn text(arguments: &Arguments, setup: &Setup, answer: &Answer) -> String {
    let Answer { engine, precision, threads, seconds, .. } = answer;
    let (qubits, width) = (answer.qubits, setup.width);
    let of = if qubits == width { String::new() } else { format!(" for a register of {width}") };
    let threads = if *threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
    let ranks = match answer.ranks {
        Some(1) => "1 rank, ".into(),
        Some(ranks) => format!("{ranks} ranks, "),
        None => String::new(),
    };
    let cones = answer.cones.map_or(String::new(), |widest| format!("{CONES}{widest} qubits"));
    let values = answer.values_engine.as_ref().map_or(String::new(), |engine| format!(", values by {engine}"));
    let mut text = format!(
        "{}: {qubits} qubits{of}, {engine}{cones}{values}, {precision} precision, {ranks}{threads}, {}\n",
        arguments.file.display(),
        Seconds(*seconds)
    );
    if answer.probabilities.is_some() {
        text += &outcomes(setup, answer);
    } else if let Some(counts) = &answer.counts {
        text += &drawn(setup, counts);
    }
    text.extend(answer.outcome_error.as_ref().map(truncated));
    if let Some(mitigation) = &answer.mitigation {
        text += &mitigated(arguments, answer, mitigation);
    } else if !answer.expectations.is_empty() {
        text += &expectations(arguments, answer);
    }
    if let Some(path) = &arguments.save {
        text += &format!("\nThe state is in {}.\n", path.display());
    }
    if !answer.repairs.is_empty() {
        text += "\nNotices\n";
        text.extend(answer.repairs.iter().map(|notice| format!("  {notice}\n")));
    }
    text
}

/// What was dropped of the state of which outcomes are.
fn truncated(error: &ErrorAccount) -> String {
    let bond = error.terms;
    if error.dropped == 0 {
        return format!("Nothing of the state was dropped; bonds up to {bond}.\n");
    }
    let fidelity = error.fidelity.map_or(String::new(), |fidelity| format!(", fidelity about {fidelity:.6}"));
    let bound = match error.bound {
        Some(bound) => format!("that moves the probability of no set of outcomes by more than {bound:.1e}"),
        None => "there is no bound of what that does to probabilities".into(),
    };
    format!("Bonds up to {bond} were kept and the rest of the state dropped: {bound}{fidelity}.\n")
}

/// Expectation values, with what is known about their errors if the engine drops something.
fn expectations(arguments: &Arguments, answer: &Answer) -> String {
    let values = arguments.observable.iter().zip(&answer.expectations);
    let Some(errors) = &answer.errors else {
        let mut table = table(["observable", "expectation value"]);
        for (name, value) in values {
            table.add_row([Cell::new(name), right(six_decimals(*value))]);
        }
        return format!("\n{table}\n");
    };
    // Columns that some value has.
    let columns: Vec<&Column> =
        COLUMNS.iter().filter(|column| errors.iter().any(|e| (column.cell)(e).is_some())).collect();
    let mut table = Table::new();
    let header = ["observable", "expectation value"].into_iter().chain(columns.iter().map(|column| column.title));
    table.load_style(presets::NOTHING).set_header(header);
    for ((name, value), error) in values.zip(errors) {
        let cells = columns.iter().map(|column| (column.cell)(error).unwrap_or("–".into()));
        // Without the sign of a zero.
        let cells = std::iter::once(six_decimals(value + 0.0)).chain(cells).map(right);
        table.add_row(std::iter::once(Cell::new(name)).chain(cells));
    }
    if errors.iter().all(|error| error.exact) {
        return format!("\n{table}\nNothing was dropped: the values are exact to rounding.\n");
    }
    let mut text = format!("\n{table}\n");
    if let Some(tolerance) = arguments.tolerance {
        text += &format!("The tolerance {tolerance:.1e} is met: by the bound, or by the interval.\n");
    } else if arguments.roulette && errors.iter().any(|error| !error.exact && error.interval.is_none()) {
        text += "Where no interval stands, the roulette needs more strings than it may hold, and small ones were dropped.\n";
    }
    let cut = errors.iter().map(|error| error.cut).fold(0.0, f64::max);
    let heavy = arguments.most_weight.map_or(String::new(), |most| format!(" and strings on more than {most} qubits"));
    if cut > 0.0 {
        let drawn = errors.iter().any(|error| error.interval.is_some());
        let chance = if drawn { " or raised to it by chance" } else { "" };
        text += &format!("Coefficients below {cut:.1e}{heavy} were dropped{chance}. ");
    }
    let notes = columns.iter().map(|column| column.note).filter(|note| !note.is_empty());
    text + &notes.collect::<Vec<_>>().join(" ") + "\n"
}

/// Mitigated expectation values beside those without mitigation, with their intervals and what they cost.
fn mitigated(arguments: &Arguments, answer: &Answer, found: &Mitigated) -> String {
    let values = &answer.expectations;
    let mut table = Table::new();
    let is_drawn = found.intervals.iter().any(Option::is_some);
    let mut header = vec!["observable", "unmitigated", "mitigated"];
    header.extend(is_drawn.then_some("95 % interval"));
    header.push("shots ×");
    let errors = answer.errors.as_deref().unwrap_or_default();
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_of_drops).collect();
    header.extend(columns.iter().filter(|_| !errors.is_empty()).map(|column| column.title));
    table.load_style(presets::NOTHING).set_header(header);
    for (k, name) in arguments.observable.iter().enumerate() {
        let mut cells = vec![six_decimals(found.unmitigated[k] + 0.0), six_decimals(values[k] + 0.0)];
        cells.extend(is_drawn.then(|| found.intervals[k].map_or("–".into(), |half| format!("± {half:.1e}"))));
        cells.push(found.overheads[k].map_or("–".into(), |factor| format!("{factor:.2}")));
        let of_error = |error| columns.iter().map(move |column| (column.cell)(error).unwrap_or("–".into()));
        cells.extend(errors.get(k).into_iter().flat_map(of_error));
        table.add_row(std::iter::once(Cell::new(name)).chain(cells.into_iter().map(right)));
    }
    let each = arguments.shots.map_or(String::new(), |shots| format!(" of {shots} shots for each basis and circuit"));
    let chance = match is_drawn {
        true => format!("Means of eight runs{each} with Student's 95 % interval, which holds draws and no bias."),
        false => "Nothing draws: values are those of infinitely many shots.".into(),
    };
    let methods = found.methods.join(", then ");
    format!(
        "\n{table}\nMitigated by {methods}. {chance} Shots ×: how many times the shots the same standard error takes on a device.\n"
    )
}

/// What is said about the error of an expectation value.
struct Column {
    title: &'static str,
    /// Whether it is what an engine drops, which changes mitigated values as well.
    is_of_drops: bool,
    /// The cell of a value; `None` if it has none.
    cell: fn(&ErrorAccount) -> Option<String>,
    /// What it means, where the title does not say it.
    note: &'static str,
}

static COLUMNS: &[Column] = &[
    Column {
        title: "95 % interval",
        is_of_drops: false,
        cell: |error| error.interval.map(|half| format!("± {half:.1e}")),
        note: "95 % interval: of a mean of draws.",
    },
    Column {
        title: "error at most",
        is_of_drops: true,
        // Of what was dropped: an interval of draws stands alone where nothing was.
        cell: |error| {
            let bound = || error.bound.map_or("no certificate".into(), |bound| format!("{bound:.1e}"));
            (error.dropped > 0 || error.interval.is_none()).then(bound)
        },
        note: "",
    },
    Column {
        title: "drift",
        is_of_drops: true,
        // Where both runs have lost everything, their difference says nothing.
        cell: |error| {
            error.drift.filter(|drift| error.dropped == 0 || *drift > 0.0).map(|drift| format!("{drift:.1e}"))
        },
        note: "Drift: the difference to a coarser run (four times the cut, a quarter of the strings, one letter less), of a \
               roulette to the run that drops; it bounds nothing.",
    },
    Column {
        title: "rms at most",
        is_of_drops: false,
        cell: |error| error.rms.map(|rms| format!("{rms:.1e}")),
        note: "Rms at most: no greater is the root mean square error over random basis states as input; it does not bound the \
               error of this circuit.",
    },
    Column {
        title: "fidelity about",
        is_of_drops: false,
        cell: |error| error.fidelity.map(|fidelity| format!("{fidelity:.6}")),
        note: "Fidelity about: what truncations left of the state's norm.",
    },
    Column {
        title: "strings or bond",
        is_of_drops: false,
        cell: |error| (error.terms > 0).then(|| error.terms.to_string()),
        note: "",
    },
];

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn outcomes(setup: &Setup, answer: &Answer) -> String {
    let p = answer.probabilities.as_deref().unwrap_or_default();
    let width = setup.outcome_bits().len();
    let several = tells_registers_apart(setup);
    let mut order: Vec<usize> = (0..p.len()).filter(|&outcome| p[outcome] > 1e-12).collect();
    // Stable, so that equals stay in the order of their outcomes.
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let most = order.first().map_or(1.0, |&outcome| p[outcome]);
    let bar = |p: f64| "█".repeat((BAR * p / most).round() as usize);
    let mut table = match answer.counts {
        Some(_) => table(["outcome", "probability", "counts", ""]),
        None => table(["outcome", "probability", ""]),
    };
    for &outcome in order.iter().take(ROWS) {
        let name = sample::bit_string(outcome, width);
        let count = answer.counts.as_ref().map(|counts| counts.get(&name).copied().unwrap_or(0));
        let shown = if several { by_register(setup, &name) } else { name };
        let mut cells = vec![Cell::new(shown), right(format!("{:.6}", p[outcome]))];
        cells.extend(count.map(|count| right(count.to_string())));
        cells.push(Cell::new(bar(p[outcome])));
        table.add_row(cells);
    }
    let mut text = format!("\n{table}\nHighest first: {}.\n", order_of_bits(setup));
    if order.len() > ROWS {
        let rest: f64 = order[ROWS..].iter().map(|&outcome| p[outcome]).sum();
        text += &format!("{} more outcomes have {rest:.6} together.\n", order.len() - ROWS);
    }
    text
}

/// The most frequent outcomes, where there are no probabilities.
fn drawn(setup: &Setup, counts: &BTreeMap<String, u64>) -> String {
    let mut order: Vec<(&String, u64)> = counts.iter().map(|(outcome, &count)| (outcome, count)).collect();
    // Stable, so that equals stay in the order of their outcomes.
    order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut table = table(["outcome", "counts"]);
    let several = tells_registers_apart(setup);
    for (outcome, count) in order.iter().take(ROWS) {
        let shown = if several { by_register(setup, outcome) } else { outcome.to_string() };
        table.add_row([Cell::new(shown), right(count.to_string())]);
    }
    let mut text = format!("\n{table}\nHighest first: {}.\n", order_of_bits(setup));
    if order.len() > ROWS {
        let rest: u64 = order[ROWS..].iter().map(|(_, count)| count).sum();
        text += &format!("{} more outcomes have {rest} counts together.\n", order.len() - ROWS);
    }
    text
}

/// Whether outcomes are shown register by register. Wide registers have their used bits alone in the table.
fn tells_registers_apart(setup: &Setup) -> bool {
    !setup.bits.is_empty()
        && setup.registers.len() > 1
        && setup.registers.iter().all(|r| r.bits.clone().all(|bit| setup.bits.binary_search(&bit).is_ok()))
}

/// What the digits of an outcome are.
fn order_of_bits(setup: &Setup) -> String {
    let kind = match setup.registers.as_slice() {
        _ if setup.bits.is_empty() => "qubits".into(),
        _ if tells_registers_apart(setup) => {
            let names: Vec<String> = setup.registers.iter().rev().map(named).collect();
            format!("{} of classical bits", names.join(" "))
        }
        [register] => format!("{}, classical bits", register.name),
        _ => "classical bits".to_string(),
    };
    format!("{kind} {}", bit_range(setup.outcome_bits()))
}

/// An outcome with a space between registers, the highest first.
fn by_register(setup: &Setup, outcome: &str) -> String {
    let mut parts: Vec<String> = setup.by_register(outcome).collect();
    parts.reverse();
    parts.join(" ")
}

/// A register and how many bits it has.
fn named(register: &OutcomeRegister) -> String {
    match register.bits.len() {
        1 => register.name.clone(),
        width => format!("{}[{width}]", register.name),
    }
}

/// Bit numbers, highest first; a run without gaps as its ends.
fn bit_range(bits: &[usize]) -> String {
    match bits {
        [first, .., last] if last - first + 1 == bits.len() => format!("{last} to {first}"),
        _ => bits.iter().rev().map(usize::to_string).collect::<Vec<_>>().join(", "),
    }
}
