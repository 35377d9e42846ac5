//! Pictures that cases are made of.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::mutate::Files;
use super::seeds::one;

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn coloured(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(31 * x) as u8, (17 * y) as u8, (x * y) as u8])).into()
}

/// A picture in colour, with transparency, and in grey of 16 bits where the format has it.
fn pictures(format: ImageFormat) -> Vec<Files> {
    let picture = coloured(9, 7);
    let all = [picture.clone(), picture.clone().into_rgba8().into(), picture.into_luma16().into()];
    let written = all.iter().filter_map(|picture: &DynamicImage| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).ok().map(|()| one(bytes.into_inner()))
    });
    written.collect()
}

pub fn png() -> Vec<Files> {
    pictures(ImageFormat::Png)
}

pub fn jpeg() -> Vec<Files> {
    pictures(ImageFormat::Jpeg)
}

pub fn bmp() -> Vec<Files> {
    pictures(ImageFormat::Bmp)
}

pub fn gif() -> Vec<Files> {
    pictures(ImageFormat::Gif)
}

pub fn tiff() -> Vec<Files> {
    pictures(ImageFormat::Tiff)
}

pub fn webp() -> Vec<Files> {
    pictures(ImageFormat::WebP)
}

pub fn voc() -> Vec<Files> {
    let annotation = "<annotation><size><width>8</width><height>6</height></size><object><name>cell</name><bndbox>\
                      <xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></object></annotation>";
    let mut files = Files::new();
    for (list, id) in [("train", "one"), ("val", "two"), ("test", "three")] {
        files.push((format!("ImageSets/Main/{list}.txt"), format!("{id}\n").into_bytes()));
        files.push((format!("Annotations/{id}.xml"), annotation.into()));
        files.push((format!("JPEGImages/{id}.bmp"), encoded(&coloured(8, 6), ImageFormat::Bmp)));
    }
    vec![files]
}

pub fn picture_folder() -> Vec<Files> {
    let bmp = || encoded(&coloured(4, 4), ImageFormat::Bmp);
    let file = |name: &str| (name.to_string(), bmp());
    vec![
        ["ants/1.bmp", "ants/2.bmp", "bees/1.bmp", "bees/2.bmp"].map(file).into(),
        ["train/ants/1.bmp", "train/bees/1.bmp", "val/ants/2.bmp", "val/bees/2.bmp"].map(file).into(),
    ]
}
