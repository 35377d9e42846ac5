//! European Data Format (Kemp et al. 1992, doi 10.1016/0013-4694(92)90009-7), EDF+ (Kemp and Olivan 2003,
//! doi 10.1016/S1388-2457(03)00123-8) and BioSemi's 24-bit variant BDF.

use crate::data::DataError;
use crate::data::signal::{Event, Recording, Signal};

/// A channel as the header describes it.
struct Channel {
    label: String,
    /// Factor and offset from stored to physical numbers.
    scale: (f64, f64),
    /// Samples in a data record.
    samples: usize,
    is_annotation: bool,
}

/// Most channels of a file; the format has four digits for them.
const MOST_CHANNELS: usize = 9999;

/// Reads the bytes of an EDF, EDF+ or BDF file, which errors call `place`. Voltages become microvolts.
///
/// # Errors
/// Bytes that are no such file, a header that contradicts itself, fewer bytes than the header announces, a discontinuous EDF+
/// recording with gaps.
pub fn parse_edf(bytes: &[u8], place: &str) -> Result<Recording, DataError> {
    let wrong = |reason: String| DataError::malformed(place, reason);
    let is_bdf = bytes.starts_with(b"\xffBIOSEMI");
    if !is_bdf && !bytes.starts_with(b"0       ") {
        return Err(wrong("neither EDF nor BDF: it does not begin with `0` and blanks or with BIOSEMI".into()));
    }
    let text = |start: usize, length: usize| -> Result<String, DataError> {
        let field = bytes.get(start..start + length).ok_or_else(|| wrong("the file ends within its header".into()))?;
        Ok(field.iter().map(|&byte| char::from(byte)).collect::<String>().trim_matches([' ', '\0']).to_string())
    };
    let number = |start: usize, length: usize, what: &str| -> Result<f64, DataError> {
        let field = text(start, length)?;
        let value = field.replace(',', ".").parse::<f64>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| wrong(format!("header: {what} is {field:?}; expected a number")))
    };
    let header = number(184, 8, "the length of the header")?;
    let reserved = text(192, 44)?;
    let announced = number(236, 8, "the number of data records")?;
    let duration = number(244, 8, "the duration of a data record")?;
    let count = number(252, 4, "the number of signals")?;
    if !(1.0..=MOST_CHANNELS as f64).contains(&count) || count.fract() != 0.0 {
        return Err(wrong(format!("header: {count} signals; expected 1 to {MOST_CHANNELS}")));
    }
    let count = count as usize;
    if header != (256 * (count + 1)) as f64 {
        return Err(wrong(format!("header: its length is {header}; {count} signals need {}", 256 * (count + 1))));
    }
    let mut channels = Vec::with_capacity(count);
    for k in 0..count {
        // The fields of all signals are stored one kind behind the other.
        let at = |offset: usize, length: usize| 256 + count * offset + k * length;
        let label = text(at(0, 16), 16)?;
        let is_annotation = label == "EDF Annotations" || label == "BDF Annotations";
        let of = |what: &str| format!("signal {} ({label}): {what}", k + 1);
        let physical =
            [number(at(104, 8), 8, &of("the physical minimum"))?, number(at(112, 8), 8, &of("the physical maximum"))?];
        let digital =
            [number(at(120, 8), 8, &of("the digital minimum"))?, number(at(128, 8), 8, &of("the digital maximum"))?];
        let samples = number(at(216, 8), 8, &of("the number of samples in a record"))?;
        if !(1.0..=1e8).contains(&samples) || samples.fract() != 0.0 {
            return Err(wrong(format!("header: {} is {samples}", of("the number of samples in a record"))));
        }
        if !is_annotation && (digital[0] >= digital[1] || physical[0] == physical[1]) {
            let reason = of(&format!("a range of {digital:?} stored as {physical:?} has no scale"));
            return Err(wrong(format!("header: {reason}")));
        }
        let unit = match text(at(96, 8), 8)?.as_str() {
            "V" => 1e6,
            "mV" => 1e3,
            "nV" => 1e-3,
            _ => 1.0,
        };
        let factor = (physical[1] - physical[0]) / (digital[1] - digital[0]);
        let scale = (unit * factor, unit * (physical[0] - digital[0] * factor));
        channels.push(Channel { label, scale, samples: samples as usize, is_annotation });
    }
    let width = if is_bdf { 3 } else { 2 };
    let record: usize = channels.iter().map(|channel| channel.samples * width).sum();
    let behind = bytes.len().checked_sub(256 * (count + 1));
    let available = behind.ok_or_else(|| wrong("the file ends within its header".into()))? / record;
    let mut notices = Vec::new();
    let records = match announced {
        -1.0 => available,
        announced if announced < 0.0 || announced.fract() != 0.0 => {
            return Err(wrong(format!("header: {announced} data records")));
        }
        announced if announced > available as f64 => {
            let reason = format!(
                "the header announces {announced} data records of {record} bytes, the file has {available}; it is cut off"
            );
            return Err(wrong(reason));
        }
        announced => announced as usize,
    };
    if !(duration > 0.0) && channels.iter().any(|channel| !channel.is_annotation) {
        return Err(wrong(format!("header: a data record lasts {duration} s; expected more than 0")));
    }
    let has_annotations = channels.iter().any(|channel| channel.is_annotation);
    let mut signals: Vec<Signal> = Vec::new();
    let (mut events, mut starts) = (Vec::new(), Vec::new());
    let mut offset = 0;
    for channel in &channels {
        let size = channel.samples * width;
        let of_record = |k: usize| {
            let start = 256 * (count + 1) + k * record + offset;
            &bytes[start..start + size]
        };
        if channel.is_annotation {
            for k in 0..records {
                annotations(of_record(k), &mut events, &mut starts, k);
            }
        } else {
            let (factor, shift) = channel.scale;
            let mut samples = Vec::with_capacity(records * channel.samples);
            for k in 0..records {
                samples.extend(of_record(k).chunks_exact(width).map(|stored| {
                    let value = match *stored {
                        [low, middle, high] => i32::from_le_bytes([0, low, middle, high]) >> 8,
                        [low, high] => i32::from(i16::from_le_bytes([low, high])),
                        _ => 0,
                    };
                    (f64::from(value) * factor + shift) as f32
                }));
            }
            let rate = Some(channel.samples as f64 / duration);
            let is_empty = channel.label.trim_matches(['-', '.', ' ']).is_empty();
            if is_empty || signals.iter().any(|known| known.label == channel.label) {
                let which = if is_empty { "has no name" } else { "is a second one of its name" };
                notices.push(format!("channel `{}` {which} and is left out", channel.label));
            } else {
                signals.push(Signal { label: channel.label.clone(), rate, samples });
            }
        }
        offset += size;
    }
    starts.sort_by_key(|(record, _)| *record);
    let first = starts.first().map_or(0.0, |(_, start)| *start);
    if reserved.starts_with("EDF+D") || reserved.starts_with("BDF+D") {
        let gap = starts.iter().find(|(k, start)| (start - first - *k as f64 * duration).abs() > 1e-3);
        if let Some((k, start)) = gap {
            let reason = format!("data record {k} begins at {start} s: the recording has gaps; export it as EDF+C");
            return Err(wrong(reason));
        }
    }
    for event in &mut events {
        event.onset -= first;
    }
    events.sort_by(|a: &Event, b: &Event| a.onset.total_cmp(&b.onset));
    let events = has_annotations.then_some(events);
    Ok(Recording { name: String::new(), signals, events, notices })
}

/// Reads the time-stamped lists of a data record: `+onset[␕duration]␔text␔…␔␀`. The first list of a record says when it
/// begins; its first text is empty.
fn annotations(bytes: &[u8], events: &mut Vec<Event>, starts: &mut Vec<(usize, f64)>, record: usize) {
    let mut is_first = true;
    for list in bytes.split(|byte| *byte == 0).filter(|list| !list.is_empty()) {
        let mut parts = list.split(|byte| *byte == 0x14);
        let Some(times) = parts.next() else { continue };
        let mut times = times.split(|byte| *byte == 0x15).map(|field| {
            std::str::from_utf8(field).ok().and_then(|text| text.trim().parse::<f64>().ok()).filter(|t| t.is_finite())
        });
        let Some(Some(onset)) = times.next() else { continue };
        let duration = times.next().flatten().unwrap_or(0.0);
        for text in parts {
            match text.is_empty() {
                true if is_first => starts.push((record, onset)),
                true => {}
                false => events.push(Event { onset, duration, text: String::from_utf8_lossy(text).trim().into() }),
            }
            is_first = false;
        }
    }
}
