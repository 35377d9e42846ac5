//! Extended XYZ (github.com/libAtoms/extxyz): blocks of a count, a line of `key=value`, and one line for each atom.
//!
//! A reader of our own: what ASE writes is small, and errors name the frame and the line.

use std::fmt::Write;

use crate::data::DataError;
use crate::data::structure::{Element, Labels, Structure};
use crate::math::neighbors::{Cell, Vector};

/// Keys of an energy and names of columns of forces, besides those of the lower level.
const ENERGIES: &[&str] = &["energy", "REF_energy", "Energy", "E"];
const FORCES: &[&str] = &["forces", "REF_forces", "force", "Forces", "F"];
const GROUPS: &[&str] = &["molecule", "group", "config_type"];

/// Columns of the lines of atoms: name, kind, number.
type Columns = Vec<(String, String, usize)>;

pub(super) fn parse(text: &str, place: &str) -> Result<Vec<Structure>, DataError> {
    let mut frames = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    loop {
        while lines.next_if(|(_, line)| line.trim().is_empty()).is_some() {}
        let Some((number, count)) = lines.next() else { return Ok(frames) };
        let frame = frames.len() + 1;
        let refuse = |line: usize, reason: String| {
            DataError::malformed(place, format!("frame {frame}, line {}: {reason}", line + 1))
        };
        let atoms: usize = count.trim().parse().map_err(|_| {
            let count: String = count.trim().chars().take(40).collect();
            refuse(number, format!("{count:?} is no number of atoms; expected extended XYZ"))
        })?;
        let Some((number, comment)) = lines.next() else {
            return Err(refuse(number, "the file ends before the line of properties".into()));
        };
        let pairs = pairs(comment).map_err(|reason| refuse(number, reason))?;
        let find = |names: &[&str]| {
            names.iter().find_map(|name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()))
        };
        let columns = match find(&["Properties", "properties"]) {
            Some(text) => columns(text).map_err(|reason| refuse(number, reason))?,
            None => vec![("species".into(), "S".into(), 1), ("pos".into(), "R".into(), 3)],
        };
        let mut structure = Structure {
            cell: cell(find(&["Lattice", "lattice"]), find(&["pbc"])).map_err(|reason| refuse(number, reason))?,
            group: find(GROUPS).unwrap_or_default().to_string(),
            ..Structure::default()
        };
        let energy = |names: &[&str]| {
            let number_of =
                |text: &str| text.parse::<f64>().map_err(|_| refuse(number, format!("energy = {text:?} is no number")));
            find(names).map(number_of).transpose()
        };
        let energies = [energy(ENERGIES)?, energy(&["low_energy"])?];
        let mut forces: [Option<Vec<Vector>>; 2] = [None, None];
        for atom in 0..atoms {
            let Some((number, line)) = lines.next() else {
                return Err(refuse(number + atom, format!("the file ends after {atom} of {atoms} atoms")));
            };
            read_atom(line, &columns, &mut structure, &mut forces).map_err(|reason| refuse(number, reason))?;
        }
        let [own, low] = forces;
        for ((energy, forces), (slot, prefix)) in
            energies.into_iter().zip([own, low]).zip([(&mut structure.labels, ""), (&mut structure.low, "low_")])
        {
            *slot = match (energy, forces) {
                (None, None) => None,
                (Some(energy), Some(forces)) => Some(Labels { energy, forces }),
                (Some(_), None) => {
                    return Err(refuse(number, format!("no column `{prefix}forces` beside `{prefix}energy`")));
                }
                (None, Some(_)) => {
                    return Err(refuse(number, format!("no `{prefix}energy=` beside the column `{prefix}forces`")));
                }
            };
        }
        frames.push(structure);
    }
}

/// Words of a line `key=value key="a value"`; a key alone is true.
fn pairs(line: &str) -> Result<Vec<(String, String)>, String> {
    let (mut found, mut rest) = (Vec::new(), line.trim_start());
    while !rest.is_empty() {
        let (key, after) = word(rest)?;
        rest = after.trim_start();
        let value = match rest.strip_prefix('=') {
            Some(after) => {
                let (value, after) = word(after.trim_start())?;
                rest = after.trim_start();
                value
            }
            None => "T".into(),
        };
        found.push((key, value));
    }
    Ok(found)
}

/// One word, quoted, in brackets or bare, and what follows it.
fn word(text: &str) -> Result<(String, &str), String> {
    let close = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('{') => '}',
        Some('[') => ']',
        Some('=') | None => return Err("a `=` without a key or a value".into()),
        Some(_) => {
            let end = text.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(text.len());
            return Ok((text[..end].into(), &text[end..]));
        }
    };
    let open = text.chars().next().unwrap_or(close);
    let (mut value, mut depth, mut escaped) = (String::new(), 1, false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            c if c == close => {
                depth -= 1;
                if depth == 0 {
                    return Ok((value, &text[at + c.len_utf8()..]));
                }
                value.push(c);
            }
            c => {
                depth += usize::from(c == open);
                value.push(c);
            }
        }
    }
    Err(format!("no closing {close} in the line of properties"))
}

fn columns(text: &str) -> Result<Columns, String> {
    let words: Vec<&str> = text.split(':').collect();
    let wrong = || format!("Properties={text:?}; expected triples such as species:S:1:pos:R:3:forces:R:3");
    if !words.len().is_multiple_of(3) {
        return Err(wrong());
    }
    let triple = |triple: &[&str]| {
        let count = triple[2].parse().ok().filter(|count| (1..=1000).contains(count)).ok_or_else(wrong)?;
        Ok((triple[0].to_string(), triple[1].to_string(), count))
    };
    words.chunks(3).map(triple).collect()
}

/// The cell of `Lattice="ax ay az bx by bz cx cy cz"` and `pbc="T T T"`. A lattice alone is periodic along all three.
fn cell(lattice: Option<&str>, pbc: Option<&str>) -> Result<Option<Cell>, String> {
    let flag = |word: &str| match word {
        "T" | "True" | "true" | "1" => Ok(true),
        "F" | "False" | "false" | "0" => Ok(false),
        _ => Err(format!("pbc={word:?}; expected T or F")),
    };
    let split = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == '[' || c == ']');
        words.filter(|word| !word.is_empty()).map(String::from).collect()
    };
    let periodic = match pbc {
        Some(text) => {
            let flags: Vec<bool> = split(text).iter().map(|word| flag(word)).collect::<Result<_, _>>()?;
            match flags[..] {
                [all] => [all; 3],
                [a, b, c] => [a, b, c],
                _ => return Err(format!("pbc={text:?}; expected three of T and F")),
            }
        }
        None => [lattice.is_some(); 3],
    };
    if periodic == [false; 3] {
        return Ok(None);
    }
    let Some(lattice) = lattice else { return Err("pbc without a Lattice".into()) };
    let numbers: Vec<f64> = split(lattice)
        .iter()
        .map(|word| word.parse().map_err(|_| format!("Lattice: {word:?} is no number")))
        .collect::<Result<_, _>>()?;
    let (&[a, b, c], []) = numbers.as_chunks::<3>() else {
        return Err(format!("Lattice has {} numbers; expected 9", numbers.len()));
    };
    Cell::new([a, b, c], periodic).map(Some)
}

fn read_atom(
    line: &str,
    columns: &Columns,
    structure: &mut Structure,
    forces: &mut [Option<Vec<Vector>>; 2],
) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let mut has = (false, false);
    for (name, _, count) in columns {
        let mut of_column = || -> Result<Vec<&str>, String> {
            let found: Vec<&str> = words.by_ref().take(*count).collect();
            match found.len() == *count {
                true => Ok(found),
                false => Err(format!("the line ends before column `{name}`")),
            }
        };
        let vector = |words: Vec<&str>| -> Result<Vector, String> {
            let [x, y, z] = words[..] else { return Err(format!("column `{name}` has {count} numbers; expected 3")) };
            let number = |word: &str| word.parse::<f64>().map_err(|_| format!("`{name}`: {word:?} is no number"));
            Ok([number(x)?, number(y)?, number(z)?])
        };
        match name.as_str() {
            "species" | "element" | "Z" | "numbers" => {
                let words = of_column()?;
                if has.0 {
                    continue;
                }
                let (word, has_element) = (words[0], &mut has.0);
                let element = word.parse().ok().and_then(Element::of_number).or_else(|| Element::named(word));
                structure.elements.push(element.ok_or_else(|| format!("unknown element {word:?}"))?);
                *has_element = true;
            }
            "pos" | "positions" => {
                structure.positions.push(vector(of_column()?)?);
                has.1 = true;
            }
            "low_forces" => forces[1].get_or_insert_default().push(vector(of_column()?)?),
            // Of several names of forces the first column counts.
            own if FORCES.contains(&own)
                && forces[0].as_ref().map_or(0, Vec::len) < structure.elements.len().max(structure.positions.len()) =>
            {
                forces[0].get_or_insert_default().push(vector(of_column()?)?);
            }
            _ => _ = of_column()?,
        }
    }
    match has {
        (true, true) => Ok(()),
        (false, _) => Err("Properties has no column `species`".into()),
        _ => Err("Properties has no column `pos`".into()),
    }
}

/// Frames as a text that ASE reads, with the energy and the forces of those that have them.
pub fn extended_xyz(frames: &[Structure]) -> String {
    let mut text = String::new();
    for frame in frames {
        let mut comment = String::new();
        if let Some(cell) = &frame.cell {
            let numbers: Vec<String> = cell.vectors().iter().flatten().map(|x| x.to_string()).collect();
            comment += &format!("Lattice=\"{}\" ", numbers.join(" "));
        }
        comment += "Properties=species:S:1:pos:R:3";
        if frame.labels.is_some() {
            comment += ":forces:R:3";
        }
        if frame.low.is_some() {
            comment += ":low_forces:R:3";
        }
        if !frame.group.is_empty() && frame.group != frame.formula() {
            comment += &format!(" molecule=\"{}\"", frame.group.replace(['"', '\\', '\n', '\r'], "_"));
        }
        for (name, labels) in [("energy", &frame.labels), ("low_energy", &frame.low)] {
            if let Some(labels) = labels {
                comment += &format!(" {name}={}", labels.energy);
            }
        }
        let periodic = frame.cell.as_ref().map_or([false; 3], Cell::periodic);
        let flags = periodic.map(|is_periodic| if is_periodic { "T" } else { "F" });
        _ = writeln!(text, "{}\n{comment} pbc=\"{}\"", frame.len(), flags.join(" "));
        for (atom, (element, position)) in frame.elements.iter().zip(&frame.positions).enumerate() {
            _ = write!(text, "{:2}", element.symbol());
            let labels = [&frame.labels, &frame.low].into_iter().flatten().map(|labels| &labels.forces[atom]);
            for x in [position].into_iter().chain(labels).flatten() {
                _ = write!(text, " {x:.8}");
            }
            text.push('\n');
        }
    }
    text
}
