//! `qgraft list KIND`: what there is, printed from the tables.

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use crate::circuit::ansatz::{ANSATZE, ENCODINGS, ENTANGLEMENTS};
use crate::circuit::gate::GATES;
use crate::classic::boxes::FUSIONS;
use crate::cli::console;
use crate::data::BOX_FORMATS;
use crate::device::DEVICES;
use crate::lab::System;
use crate::math::words::sig3;
use crate::nn::backbone::BACKBONES;
use crate::nn::head::HEADS;
use crate::noise::channel::CHANNELS;
use crate::noise::model::{MODELS, SOURCES};
use crate::sim::ENGINES;
use crate::sim::mitigate::MITIGATIONS;
use crate::study::landscape::{COSTS, STARTS};
use crate::study::metric::METRICS;
use crate::systems::SYSTEMS;
use crate::transfer::{METHODS, MethodRow, MethodSetting, Need};

/// Lists what there is: gates, channels, devices, backbones, heads, …
#[derive(clap::Args)]
pub struct Arguments {
    /// What to list.
    kind: Kind,
    /// Print a JSON list of objects instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Gates,
    Channels,
    Devices,
    Models,
    Engines,
    Mitigations,
    Ansatze,
    Encodings,
    Entanglements,
    Backbones,
    Heads,
    Methods,
    Metrics,
    Presets,
    Systems,
    Sources,
    Costs,
    Starts,
    Fusions,
    BoxFormats,
}

/// Column names and rows of text.
type Listing = (&'static [&'static str], Vec<Vec<String>>);

impl Kind {
    fn listing(self) -> Listing {
        fn named<T>(table: &'static [T], row: fn(&T) -> (&'static str, &'static str)) -> Listing {
            let texts = table.iter().map(row).map(|(name, doc)| vec![name.into(), doc.into()]);
            (&["name", "what it is"], texts.collect())
        }
        match self {
            Self::Gates => (
                &["name", "qubits", "angles", "also called", "what it is"],
                GATES
                    .iter()
                    .map(|r| {
                        let (angles, aliases) = (r.params.join(", "), r.aliases.join(", "));
                        vec![r.name.into(), r.qubits.to_string(), angles, aliases, r.doc.into()]
                    })
                    .collect(),
            ),
            Self::Channels => named(CHANNELS, |r| (r.name, r.doc)),
            Self::Fusions => named(FUSIONS, |r| (r.name, r.doc)),
            Self::BoxFormats => named(BOX_FORMATS, |r| (r.name, r.doc)),
            Self::Devices => named(DEVICES, |r| (r.name, r.doc)),
            Self::Models => named(MODELS, |r| (r.name, r.doc)),
            Self::Engines => named(ENGINES, |r| (r.name, r.doc)),
            Self::Mitigations => named(MITIGATIONS, |r| (r.name, r.doc)),
            Self::Ansatze => named(ANSATZE, |r| (r.name, r.doc)),
            Self::Encodings => named(ENCODINGS, |r| (r.name, r.doc)),
            Self::Entanglements => named(ENTANGLEMENTS, |r| (r.name, r.doc)),
            Self::Backbones => named(BACKBONES, |r| (r.name, r.doc)),
            Self::Heads => named(HEADS, |r| (r.name, r.doc)),
            Self::Methods => {
                let setting = |s: MethodSetting| format!("{}={} ({})", s.name, sig3(s.default), s.doc);
                let settings = |r: &MethodRow| r.settings().into_iter().map(setting).collect::<Vec<_>>().join(", ");
                let need = |r: &MethodRow| r.need.map_or("", Need::text);
                let row = |r: &MethodRow| vec![r.name.into(), r.doc.into(), settings(r), need(r).into()];
                (&["name", "what it is", "settings", "needs"], METHODS.iter().map(row).collect())
            }
            Self::Metrics => named(METRICS, |r| (r.name, r.doc)),
            Self::Presets => {
                let of = |system: &&'static dyn System| {
                    let name = system.info().name;
                    let row = move |(preset, doc): (&str, &str)| vec![name.to_string(), preset.into(), doc.into()];
                    system.presets().into_iter().map(row).collect::<Vec<_>>()
                };
                (&["system", "preset", "what it is"], SYSTEMS.iter().flat_map(of).collect())
            }
            Self::Systems => named(SYSTEMS, |r| (r.info().name, r.info().doc)),
            Self::Sources => named(SOURCES, |r| (r.name, r.doc)),
            Self::Costs => named(COSTS, |r| (r.name, r.doc)),
            Self::Starts => named(STARTS, |r| (r.name, r.doc)),
        }
    }
}

/// The listing of this name (`gates`, `devices`, …): names of its columns, and its rows as texts.
///
/// ```
/// let (columns, rows) = qgraft::cli::listing("devices")?;
/// assert_eq!(columns, ["name", "what it is"]);
/// assert!(rows.iter().any(|row| row[0] == "torino") && qgraft::cli::listing("nothing").is_err());
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// If no listing has this name; the message has the names that there are.
pub fn listing(name: &str) -> Result<(Vec<&'static str>, Vec<Vec<String>>), String> {
    let kind = Kind::from_str(name, true).map_err(|_| {
        let names = Kind::value_variants().iter().filter_map(|kind| kind.to_possible_value());
        let names: Vec<String> = names.map(|value| value.get_name().to_string()).collect();
        format!("there is no list of {name:?}; there are {}", names.join(", "))
    })?;
    let (columns, rows) = kind.listing();
    Ok((columns.to_vec(), rows))
}

/// Prints the listing.
pub fn run(arguments: &Arguments) -> Result<()> {
    let (columns, rows) = arguments.kind.listing();
    if arguments.json {
        let object = |row: Vec<String>| -> Value {
            columns.iter().map(|c| c.to_string()).zip(row.into_iter().map(Value::String)).collect::<Map<_, _>>().into()
        };
        let list: Value = rows.into_iter().map(object).collect();
        return Ok(console::print_json(&serde_json::to_string_pretty(&list)?)?);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(columns);
    table.add_rows(rows);
    Ok(console::print(&format!("{table}\n"))?)
}
