//! Test fields with boxes, for the report.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use crate::classic::boxes::{Corners, Detection};
use crate::study::detection::Truth;
use crate::systems::smear::cells::Field;

/// One colour per class. Further classes start again with the first.
const COLOURS: [[u8; 3]; 8] = [
    [40, 120, 60],
    [255, 160, 0],
    [220, 60, 40],
    [30, 110, 220],
    [150, 40, 200],
    [20, 20, 20],
    [200, 0, 120],
    [0, 160, 170],
];

/// Names of the colours, for captions.
pub const COLOUR_NAMES: [&str; 8] = ["green", "orange", "red", "blue", "violet", "black", "magenta", "turquoise"];

/// Edge in the picture of a pixel of a field, and width between panels; pixels.
const ZOOM: u32 = 3;
const GAP: u32 = 8;

/// Boxes of members and of their fusion with a lower score are not drawn, for they would cover the picture. Average precision
/// counts them.
pub const LOWEST_DRAWN: f64 = 0.25;

/// Fields in the picture.
const FIELDS: usize = 2;

/// A PNG of the fields with most cells, one in a row: the truth, the boxes of all members, the fused boxes. Empty without
/// fields.
pub fn png(fields: &[Field], members: &[&[Vec<Detection>]], fused: &[Vec<Detection>]) -> Vec<u8> {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|field| std::cmp::Reverse(fields[*field].truths.len()));
    order.truncate(FIELDS);
    let Some(first) = order.first() else { return Vec::new() };
    let (width, height) = (fields[*first].picture.width as u32, fields[*first].picture.height as u32);
    let (across, down) = (ZOOM * width + GAP, ZOOM * height + GAP);
    let mut image = RgbImage::from_pixel(3 * across - GAP, order.len() as u32 * down - GAP, Rgb([255; 3]));
    for (row, &index) in order.iter().enumerate() {
        let field = &fields[index];
        let drawn = |boxes: &mut dyn Iterator<Item = &Detection>| -> Vec<(Corners, usize)> {
            boxes.filter(|found| found.score >= LOWEST_DRAWN).map(|found| (found.corners, found.label)).collect()
        };
        let panels = [
            field.truths.iter().map(|&Truth { corners, label }| (corners, label)).collect(),
            drawn(&mut members.iter().flat_map(|member| &member[index])),
            drawn(&mut fused[index].iter()),
        ];
        for (column, boxes) in panels.iter().enumerate() {
            let corner = (column as u32 * across, row as u32 * down);
            panel(&mut image, corner, field, boxes, if column == 1 { 1 } else { 2 });
        }
    }
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png).expect("a picture in memory can be written to memory");
    file.into_inner()
}

/// The picture with boxes from [`LOWEST_DRAWN`] on, as a PNG file. Corners are shares of the picture.
pub fn with_boxes(picture: &crate::data::Picture, found: &[Detection]) -> Vec<u8> {
    let mut drawn = picture.clone();
    let line = (picture.width.min(picture.height) / 200).max(2);
    let (width, height) = (picture.width, picture.height);
    // The first have the highest scores and are drawn last, on top.
    for found in found.iter().rev().filter(|found| found.score >= LOWEST_DRAWN) {
        let pixel = |share: f64, size: usize| (share.clamp(0.0, 1.0) * (size - 1) as f64).round() as usize;
        let [left, top, right, bottom] = found.corners;
        let (left, right) = (pixel(left, width), pixel(right, width));
        let (top, bottom) = (pixel(top, height), pixel(bottom, height));
        for (y, x) in (top..=bottom).flat_map(|y| (left..=right).map(move |x| (y, x))) {
            let inside = [x - left, right - x, y - top, bottom - y].into_iter().min().unwrap_or(0);
            if inside < line {
                drawn.rgb[3 * (y * width + x)..][..3].copy_from_slice(&COLOURS[found.label % COLOURS.len()]);
            }
        }
    }
    drawn.png()
}

fn panel(image: &mut RgbImage, (left, top): (u32, u32), field: &Field, boxes: &[(Corners, usize)], line: u32) {
    let picture = &field.picture;
    let (width, height) = (ZOOM * picture.width as u32, ZOOM * picture.height as u32);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let pixel = 3 * ((y / ZOOM) as usize * picture.width + (x / ZOOM) as usize);
        image.put_pixel(left + x, top + y, Rgb([0, 1, 2].map(|k| picture.rgb[pixel + k])));
    }
    // The first have the highest scores and are drawn last, on top.
    for (corners, label) in boxes.iter().rev() {
        let colour = Rgb(COLOURS[label % COLOURS.len()]);
        let pixel = |share: f64, size: u32| (share.clamp(0.0, 1.0) * f64::from(size - 1)).round() as u32;
        let [x1, y1, x2, y2] = *corners;
        let (x1, y1, x2, y2) = (pixel(x1, width), pixel(y1, height), pixel(x2, width), pixel(y2, height));
        for k in 0..line {
            let (x1, y1) = ((x1 + k).min(x2), (y1 + k).min(y2));
            let (x2, y2) = (x2.saturating_sub(k).max(x1), y2.saturating_sub(k).max(y1));
            for x in x1..=x2 {
                image.put_pixel(left + x, top + y1, colour);
                image.put_pixel(left + x, top + y2, colour);
            }
            for y in y1..=y2 {
                image.put_pixel(left + x1, top + y, colour);
                image.put_pixel(left + x2, top + y, colour);
            }
        }
    }
}
