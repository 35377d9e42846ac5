//! `qgraft fuse FILES`: detections of several detectors fused into one file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::classic::boxes::{Confidence, FUSIONS, Fusion, FusionRow, Method};
use crate::cli::{circuit_file, console, note};
use crate::data::{
    BOX_FORMATS, BoxContents, BoxFile, BoxFormat, BoxUnit, JoinedBox, JoinedBoxes, picture_sizes, read_boxes,
    write_boxes,
};
use crate::math::words::{join_and, pluralise};
use crate::study::StudyError;
use crate::study::detection::Scores;
use crate::study::files::write_whole;
use crate::study::fused_boxes::{fuse_files, score_boxes};

/// Fuses the boxes that several detectors found in the same pictures.
#[derive(clap::Args)]
#[command(after_help = "Files, by what they hold:
  .json   COCO results (image_id, category_id, bbox as left, top, width, height in pixels, score), or COCO
          annotations (images, annotations, categories)
  .csv    columns image, label, score, x1, y1, x2, y2; corners in pixels, or in shares of the picture if
          every one lies in 0..=1 (see --units)
  folder  a text file of YOLO for each picture: class, centre x, centre y, width, height as shares of the
          picture, score; names of classes in classes.txt or data.yaml

Images are the same if they have one name, with or without folder and ending, or one number. A box without a score
counts as 1. Averaged boxes of wbf need the same classes in every file; wbf_vote also joins boxes of different classes.

Examples:
  qgraft fuse a.json b.json c.json -o fused.json
  qgraft fuse a.json b.json --weights 2,1 --iou 0.6 --truth instances_val.json -o fused.json
  qgraft fuse runs/yolo/labels rcnn.csv --images photos/ --method nms --to coco_results -o fused.json
  qgraft fuse a.csv b.csv --method wbf,nms,soft_nms --truth truth.csv -o fused.csv

With --truth, average precision of each file and of each method is printed, mAP50 and the mean over overlaps of 0.5 to
0.95, as pycocotools computes it. Regions marked as crowds are left out.")]
pub struct Arguments {
    /// Detections, a file or a folder for each detector.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How boxes are fused (see `qgraft list fusions`); of several, the boxes of the first are written.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "wbf")]
    method: Vec<String>,
    /// What each file counts, in their order; all alike by default.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    weights: Vec<f64>,
    /// Boxes that overlap by more than this are of one thing.
    #[arg(long, value_name = "X", default_value_t = 0.55)]
    iou: f64,
    /// Boxes with a lower score are left out before fusion; by soft suppression, after it.
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    min_score: f64,
    /// What the score of a box of wbf is made of: average, overflowing, highest, box_and_model or absent_model_aware.
    #[arg(long, value_name = "NAME")]
    confidence: Option<String>,
    /// σ of soft_nms; 0.5 by default.
    #[arg(long, value_name = "X")]
    sigma: Option<f64>,
    /// The true boxes, in any of the formats.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// The pictures: their sizes turn shares into pixels and back.
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Unit of corners in CSV files, read and written: auto, pixels or shares.
    #[arg(long, value_name = "UNIT", default_value = "auto")]
    units: String,
    /// File to write, or folder for YOLO; - is stdout, the default.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Format to write: coco_results, coco, csv or yolo; by default that of the ending of the output, else of the first
    /// file.
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
}

/// Fuses the files.
pub fn run(arguments: &Arguments) -> Result<()> {
    let fusions = fusions(arguments)?;
    let unit = match arguments.units.as_str() {
        "auto" => BoxUnit::Auto,
        "pixels" => BoxUnit::Pixels,
        "shares" => BoxUnit::Shares,
        other => return Err(StudyError::unknown("--units", other, ["auto", "pixels", "shares"]).into()),
    };
    let members = arguments.files.len();
    let mut files: Vec<BoxFile> =
        arguments.files.iter().map(|path| read_boxes(path, unit)).collect::<Result<_, _>>()?;
    if let Some(truth) = &arguments.truth {
        let read = read_boxes(truth, unit)?;
        ensure!(!read.boxes.is_empty(), "{}: no true boxes", truth.display());
        files.push(read);
    }
    if let Some(folder) = &arguments.images {
        files.push(picture_sizes(folder)?);
    }
    let (format, to_stdout) = output_format(arguments, files[0].format)?;
    let joined = JoinedBoxes::of(&files)?;
    for notice in &joined.notices {
        note(format_args!("notice: {notice}"));
    }
    for file in files[..members].iter().filter(|file| file.boxes.iter().any(|found| found.score.is_none())) {
        note(format_args!("notice: {}: boxes without a score count as 1", file.place));
    }
    let fused: Vec<Vec<Vec<JoinedBox>>> =
        fusions.iter().map(|(_, fusion)| fuse_files(&joined, 0..members, fusion)).collect();
    let first = fused.first().map_or(&[][..], Vec::as_slice);
    // Pictures that only --images names hold no box and are written nowhere.
    let kept: Vec<usize> =
        (0..joined.images.len()).filter(|&k| joined.has_image[..members].iter().any(|f| f[k])).collect();
    let images: Vec<_> = kept.iter().map(|&image| joined.images[image].clone()).collect();
    let boxes: Vec<_> = kept.iter().map(|&image| first[image].clone()).collect();
    match (write_boxes(format, unit, (&images, &joined.classes), &boxes)?, &arguments.output) {
        (BoxContents::File(bytes), Some(path)) if !to_stdout => write_whole(path, &bytes)?,
        (BoxContents::File(bytes), _) => circuit_file::write_bytes(Path::new("-"), &bytes).context("stdout")?,
        (BoxContents::Folder(files), Some(folder)) if !to_stdout => {
            for (name, bytes) in files {
                write_whole(&folder.join(name), &bytes)?;
            }
        }
        (BoxContents::Folder(_), _) => bail!("YOLO files go into a folder; name it by --output, or take --to csv"),
    }
    let count: usize = boxes.iter().map(Vec::len).sum();
    let before: usize = files[..members].iter().map(|file| file.boxes.len()).sum();
    note(format_args!(
        "{} of {} in {} became {}",
        if before == 1 { "1 box".into() } else { format!("{before} boxes") },
        pluralise(members, "file"),
        pluralise(images.len(), "image"),
        count
    ));
    if arguments.truth.is_some() {
        let table = scores(arguments, &joined, &fusions, &fused);
        match to_stdout {
            true => note(table.trim_end()),
            false => console::print(&table).context("stdout")?,
        }
    }
    Ok(())
}

/// The methods with the settings of the command line.
fn fusions(arguments: &Arguments) -> Result<Vec<(&'static FusionRow, Fusion)>> {
    let Arguments { files, method, weights, iou, min_score, confidence, sigma, .. } = arguments;
    ensure!((0.0..=1.0).contains(iou), "--iou {iou} must lie in 0..=1");
    ensure!(min_score.is_finite() && *min_score >= 0.0, "--min-score {min_score} must be 0 or more");
    ensure!(
        weights.is_empty() || weights.len() == files.len(),
        "--weights has {}, but there are {}",
        pluralise(weights.len(), "value"),
        pluralise(files.len(), "file")
    );
    ensure!(
        weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
            && (weights.is_empty() || weights.iter().any(|weight| *weight > 0.0)),
        "--weights must be 0 or more, and one of them above 0"
    );
    let mut found = Vec::new();
    for name in method {
        let row = FUSIONS.iter().find(|row| row.name == name);
        let row = row.ok_or_else(|| StudyError::unknown("--method", name, FUSIONS.iter().map(|row| row.name)))?;
        let mut method = row.method;
        match (&mut method, confidence, sigma) {
            (Method::Weighted { confidence: own, .. }, Some(name), _) => *own = named_confidence(name)?,
            (Method::SoftenGaussian { sigma: own }, _, Some(sigma)) => {
                ensure!(sigma.is_finite() && *sigma > 0.0, "--sigma {sigma} must be above 0");
                *own = *sigma;
            }
            _ => {}
        }
        found.push((row, Fusion { method, overlap: *iou, lowest: *min_score, weights: weights.clone() }));
    }
    let has = |is_kind: fn(&Method) -> bool| found.iter().any(|(_, fusion)| is_kind(&fusion.method));
    ensure!(
        confidence.is_none() || has(|method| matches!(method, Method::Weighted { .. })),
        "--confidence is for wbf and wbf_vote alone"
    );
    ensure!(
        sigma.is_none() || has(|method| matches!(method, Method::SoftenGaussian { .. })),
        "--sigma is for soft_nms alone"
    );
    Ok(found)
}

fn named_confidence(name: &str) -> Result<Confidence> {
    let known = ["average", "overflowing", "highest", "box_and_model", "absent_model_aware"];
    serde_json::from_value(name.into()).map_err(|_| StudyError::unknown("--confidence", name, known).into())
}

/// The format to write, and whether it goes to stdout.
fn output_format(arguments: &Arguments, first: BoxFormat) -> Result<(BoxFormat, bool)> {
    let path = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    let format = match (&arguments.to, path) {
        (Some(name), _) => {
            let row = BOX_FORMATS.iter().find(|row| row.name == name);
            row.ok_or_else(|| StudyError::unknown("--to", name, BOX_FORMATS.iter().map(|row| row.name)))?.format
        }
        (None, Some(path)) => match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") if first == BoxFormat::CocoAnnotations => BoxFormat::CocoAnnotations,
            Some("json") => BoxFormat::CocoResults,
            Some("csv") => BoxFormat::Csv,
            None => BoxFormat::Yolo,
            Some(other) => {
                let names: Vec<String> = BOX_FORMATS.iter().map(|row| row.name.to_string()).collect();
                bail!("--output ends with .{other}, which names no format; name one by --to: {}", join_and(&names))
            }
        },
        (None, None) => first,
    };
    Ok((format, path.is_none()))
}

/// Average precision of each file and of each method.
fn scores(
    arguments: &Arguments,
    joined: &JoinedBoxes,
    fusions: &[(&FusionRow, Fusion)],
    fused: &[Vec<Vec<JoinedBox>>],
) -> String {
    let truth = arguments.files.len();
    let of_files = arguments.files.iter().zip(&joined.boxes).map(|(path, boxes)| (path.display().to_string(), boxes));
    let of_methods = fusions.iter().zip(fused).map(|((row, _), boxes)| (row.name.to_string(), boxes));
    let rows: Vec<(String, Scores)> =
        of_files.chain(of_methods).map(|(name, boxes)| (name, score_boxes(joined, boxes, truth))).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("{:width$}   mAP50  mAP50-95   mAP75\n", "");
    for (name, Scores { map50, map, map75, .. }) in rows {
        text += &format!("{name:width$}  {map50:.4}    {map:.4}  {map75:.4}\n");
    }
    text
}
