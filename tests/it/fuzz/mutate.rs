//! Mutations of files. A case is a function of its seeds, the seed of the run and its number.

use std::io::Write;

use qgraft::math::Stream;
use serde_json::Value;

/// A file, or several that belong together, by name.
pub type Files = Vec<(String, Vec<u8>)>;

/// How the parts of a case become what a reader is given. Mutations change a part before this or the bytes after it, so
/// that readers behind a checksum or a length are reached as well as those of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One file.
    Plain,
    /// A folder of files.
    Folder,
    /// A zip archive of the parts, with right sizes and checksums. Headers of .npy arrays in it state their own length.
    Zip,
    /// A safetensors file: the part `header` with its length before it, and the part `data`.
    Safetensors,
    /// A PNG whose chunks have right checksums.
    Png,
}

/// The files of case `number`.
pub fn case(seeds: &[Files], form: Form, words: &[&str], (seed, number): (u64, u64)) -> Files {
    let mut stream = Stream::numbered(seed, number);
    let stream = &mut stream;
    let mut parts = seeds[stream.below(seeds.len())].clone();
    // A seed without a name is a whole file of this form.
    let is_whole = parts.len() == 1 && parts[0].0.is_empty();
    let is_container = matches!(form, Form::Zip | Form::Safetensors) && !is_whole;
    let inside = !is_container || stream.below(4) != 0;
    if inside {
        if parts.len() > 1 && stream.below(6) == 0 {
            rearrange(&mut parts, stream);
        }
        for _ in 0..1 + stream.below(6) / 5 {
            if !parts.is_empty() {
                let part = stream.below(parts.len());
                let other = &seeds[stream.below(seeds.len())];
                let other = if other.is_empty() { &[][..] } else { &other[stream.below(other.len())].1 };
                mutate(&mut parts[part].1, other, words, stream);
            }
        }
    }
    let is_packed = stream.below(2) == 0;
    let mut built = if is_whole && form != Form::Png { parts } else { build(parts, form, is_packed) };
    if !inside {
        let other = seeds[0].first().map_or(&[][..], |(_, bytes)| bytes);
        mutate(&mut built[0].1, other, words, stream);
    }
    built
}

/// A seed as a reader is given it.
pub fn unchanged(seed: &Files, form: Form) -> Files {
    let is_whole = seed.len() == 1 && seed[0].0.is_empty();
    if is_whole { seed.clone() } else { build(seed.clone(), form, false) }
}

fn build(parts: Files, form: Form, is_packed: bool) -> Files {
    match form {
        Form::Plain | Form::Folder => parts,
        Form::Zip => vec![(String::new(), zip(parts, is_packed))],
        Form::Safetensors => vec![(String::new(), safetensors(&parts))],
        Form::Png => parts.into_iter().map(|(name, bytes)| (name, with_checksums(bytes))).collect(),
    }
}

/// Drops, doubles, renames or exchanges a part.
fn rearrange(parts: &mut Files, stream: &mut Stream) {
    let (a, b) = (stream.below(parts.len()), stream.below(parts.len()));
    match stream.below(4) {
        0 => drop(parts.remove(a)),
        1 => parts.push(parts[a].clone()),
        2 => {
            let content = parts[a].1.clone();
            parts[b].1 = content;
        }
        _ => {
            let mut name = parts[a].0.clone().into_bytes();
            let other = parts[b].0.clone().into_bytes();
            mutate(&mut name, &other, &["/", "..", "train", "é", " ", "\u{202e}"], stream);
            name.truncate(300);
            parts[a].0 = String::from_utf8_lossy(&name).into_owned();
        }
    }
}

/// Numbers that are 0, negative, at the edge of a type, beyond it, or none.
const EXTREMES: [&str; 22] = [
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "7",
    "64",
    "65",
    "255",
    "65536",
    "1000000",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e999",
    "nan",
    "inf",
];

/// What opens and closes something in one of the formats.
const NESTED: [(&str, &str); 9] = [
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("[[", "]]"),
    ("{\"a\":", "}"),
    ("[{\"a\":", "}]"),
    ("<a>", "</a>"),
    ("-", ""),
    ("sin(", ")"),
];

/// Changes bytes one to five times, once more often: a file that is wrong in many places is refused at the first.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], stream: &mut Stream) {
    if bytes.starts_with(b"{")
        && stream.below(2) == 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(bytes)
    {
        for _ in 0..1 + stream.below(3) / 2 {
            json(&mut value, stream);
        }
        *bytes = value.to_string().into_bytes();
        return;
    }
    let most = 1 + stream.below(5);
    for _ in 0..1 + stream.below(most) {
        once(bytes, other, words, stream);
    }
}

fn once(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], stream: &mut Stream) {
    let at = stream.below(bytes.len() + 1);
    let here = at.min(bytes.len().saturating_sub(1));
    match stream.below(18) {
        // Long repeats and deep nesting are rare, because they are slow to read.
        0 => match stream.below(24) {
            0 => {
                let piece = piece(bytes, stream).to_vec();
                let size = 1usize << (10 + stream.below(9));
                if !piece.is_empty() {
                    splice(bytes, at, &piece.repeat(size / piece.len() + 1));
                }
            }
            1 => {
                let (open, close) = NESTED[stream.below(NESTED.len())];
                let depth = 10usize.pow(1 + stream.below(5) as u32);
                splice(bytes, at, format!("{}{}", open.repeat(depth), close.repeat(depth)).as_bytes());
            }
            _ => {
                let piece = piece(bytes, stream).to_vec();
                splice(bytes, at, &piece.repeat(1 + stream.below(8)));
            }
        },
        1 if !bytes.is_empty() => bytes[here] ^= 1 << stream.below(8),
        2 if !bytes.is_empty() => bytes[here] = [0, 0xff, 0x7f, 0x80, b'9', b'\n'][stream.below(6)],
        3 if !bytes.is_empty() => bytes[here] = stream.below(256) as u8,
        4 if !bytes.is_empty() => bytes.truncate(at),
        5 | 6 => {
            let end = (at + length(8, stream)).min(bytes.len());
            bytes.drain(at..end);
        }
        7 => {
            let piece = piece(other, stream).to_vec();
            splice(bytes, at, &piece);
        }
        8 => splice(bytes, at, &[stream.below(256) as u8]),
        9 | 10 if !words.is_empty() => splice(bytes, at, words[stream.below(words.len())].as_bytes()),
        11 | 12 if !words.is_empty() => {
            let (start, end) = word(bytes, at);
            bytes.splice(start..end, words[stream.below(words.len())].bytes());
        }
        13 => {
            let (first, second) = (word(bytes, at), word(bytes, stream.below(bytes.len() + 1)));
            let text = bytes[second.0..second.1].to_vec();
            bytes.splice(first.0..first.1, text);
        }
        14 | 15 => {
            if let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|ahead| at + ahead) {
                let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
                let end = start + bytes[start..].iter().take_while(|byte| is_part(byte)).count();
                bytes.splice(start..end, EXTREMES[stream.below(EXTREMES.len())].bytes());
            }
        }
        16 => {
            let size = [1, 2, 4, 8][stream.below(4)];
            let number = [0u64, 1, u64::MAX, 1 << 31, (1 << 31) - 1, 1 << 40, 0xffff, bytes.len() as u64];
            let number = number[stream.below(8)];
            let (mut little, is_big) = (number.to_le_bytes(), stream.below(2) == 0);
            if is_big {
                little[..size].reverse();
            }
            let end = (at + size).min(bytes.len());
            bytes.splice(at..end, little[..end - at].to_vec());
        }
        _ => {
            let piece = piece(bytes, stream).to_vec();
            splice(bytes, at, &piece);
        }
    }
}

/// Changes one value of a document, which stays JSON.
fn json(value: &mut Value, stream: &mut Stream) {
    let inner = match value {
        Value::Array(list) if !list.is_empty() && stream.below(4) != 0 => {
            let at = stream.below(list.len());
            list.get_mut(at)
        }
        Value::Object(map) if !map.is_empty() && stream.below(6) != 0 => {
            let at = stream.below(map.len());
            map.values_mut().nth(at)
        }
        _ => None,
    };
    if let Some(inner) = inner {
        return json(inner, stream);
    }
    match value {
        Value::Array(list) if !list.is_empty() => {
            let (a, b) = (stream.below(list.len()), stream.below(list.len()));
            match stream.below(6) {
                0 => drop(list.remove(a)),
                1 => list.push(list[a].clone()),
                2 => list.swap(a, b),
                3 => list.clear(),
                4 => list[a] = list[b].clone(),
                _ => {
                    // Rarely many.
                    let most = if stream.below(20) == 0 { 15 } else { 4 };
                    let count = 1 << stream.below(most);
                    let one = list[a].clone();
                    list.resize(list.len() + count, one);
                }
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let (a, b) = (stream.below(map.len()), stream.below(map.len()));
            let key = |at: usize| map.keys().nth(at).cloned().unwrap_or_default();
            let (a, b) = (key(a), key(b));
            match stream.below(4) {
                0 => drop(map.remove(&a)),
                1 => _ = map.insert(a, Value::Null),
                2 => {
                    let other = map[&b].clone();
                    map.insert(a, other);
                }
                _ => {
                    let moved = map.remove(&a).unwrap_or_default();
                    map.insert(format!("{b}x"), moved);
                }
            }
        }
        Value::Number(number) => {
            let plain = number.as_f64().unwrap_or(0.0);
            *value = match stream.below(8) {
                0 => (plain as i64).wrapping_add(1).into(),
                1 => (plain as i64).wrapping_sub(1).into(),
                2 => (-plain).into(),
                3 => (plain / 2.0).into(),
                _ => match serde_json::from_str(EXTREMES[stream.below(EXTREMES.len())]) {
                    Ok(number) => number,
                    Err(_) => Value::Null,
                },
            };
        }
        Value::String(text) => {
            let (at, size) = (stream.below(text.len() + 1), 1 << stream.below(6));
            match stream.below(5) {
                0 => text.clear(),
                1 => text.truncate(text.floor_char_boundary(at)),
                2 => text
                    .insert(text.floor_char_boundary(at), ['0', '1', ' ', '"', '\\', '\0', 'é', '/'][stream.below(8)]),
                3 => *text = text.repeat(size),
                _ => *value = Value::Array(vec![]),
            }
        }
        other => {
            let values =
                [Value::Null, 0.into(), true.into(), "".into(), vec![0].into(), Value::Object(Default::default())];
            *other = values[stream.below(values.len())].clone();
        }
    }
}

/// A range of up to 256 bytes.
fn piece<'a>(bytes: &'a [u8], stream: &mut Stream) -> &'a [u8] {
    let at = stream.below(bytes.len() + 1);
    let end = (at + length(9, stream)).min(bytes.len());
    &bytes[at..end]
}

/// A length from 1 to 2^(most - 1), short ones more often.
fn length(most: usize, stream: &mut Stream) -> usize {
    let size = 1 << stream.below(most);
    1 + stream.below(size)
}

fn splice(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// The range of letters and digits around a position.
fn word(bytes: &[u8], at: usize) -> (usize, usize) {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let start = at - bytes[..at].iter().rev().take(64).take_while(is_part).count();
    let end = at + bytes[at..].iter().take(64).take_while(is_part).count();
    (start, end)
}

/// A zip archive. An .npy array gets a header of the length that it states.
fn zip(parts: Files, is_packed: bool) -> Vec<u8> {
    let (mut archive, mut directory, count) = (Vec::new(), Vec::new(), parts.len());
    for (name, mut content) in parts {
        if content.starts_with(b"\x93NUMPY\x01")
            && let Some(end) = content.iter().skip(10).position(|byte| *byte == b'\n')
        {
            content[8..10].copy_from_slice(&(end as u16 + 1).to_le_bytes());
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(&content);
        let packed = if is_packed {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&content).and_then(|()| encoder.finish()).unwrap()
        } else {
            content.clone()
        };
        // Version, flags, method, time and date, checksum, sizes, length of the name, no extra field.
        let mut common = vec![20, 0, 0, 0, if is_packed { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for number in [checksum.sum(), packed.len() as u32, content.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend([&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10]].concat());
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
    }
    let (start, size, count) = (archive.len() as u32, directory.len() as u32, (count as u16).to_le_bytes());
    archive.extend(directory);
    archive.extend(
        [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]].concat(),
    );
    archive
}

fn safetensors(parts: &Files) -> Vec<u8> {
    let part = |name: &str| parts.iter().find(|(own, _)| own == name).map_or(&[][..], |(_, content)| content);
    let header = part("header");
    [&(header.len() as u64).to_le_bytes()[..], header, part("data")].concat()
}

/// The two parts of a safetensors file.
pub fn safetensors_parts(bytes: &[u8]) -> Files {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    vec![("header".into(), bytes[8..8 + length].to_vec()), ("data".into(), bytes[8 + length..].to_vec())]
}

/// Sets the checksum of each chunk of a PNG.
fn with_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize) {
        let end = at + 8 + length;
        if end + 4 > bytes.len() {
            break;
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&checksum.sum().to_be_bytes());
        at = end + 4;
    }
    bytes
}
