//! What leaves the constant stages for views of photographs, kept in half precision.

use std::f64::consts::TAU;

use candle_core::{DType, Device, Tensor};
use half::f16;
use rayon::prelude::*;

use super::{Pretrained, VIEWS};
use crate::math::Stream;
use crate::nn::backbone::Backbone;
use crate::nn::{Dataset, Examples, Mode, NnError};
use crate::study::StudyError;
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::photo::Photo;
use crate::systems::rotation::picture::UprightPicture;

/// Views that pass the constant stages together.
const BATCH: usize = 32;

/// Outputs of the constant stages: views of photographs, photograph after photograph.
pub(super) struct Planes {
    /// Channels, height, width.
    pub shape: (usize, usize, usize),
    /// Views of each photograph.
    pub views: usize,
    /// The angle of each view, radians.
    pub angles: Vec<f64>,
    values: Vec<f16>,
}

impl Planes {
    /// `views` of each photograph at random angles, every second one mirrored.
    pub fn random(pretrained: &Pretrained, photos: &[(Photo, f64)], views: usize) -> Result<Self, StudyError> {
        let mirrored: Vec<Photo> = photos.par_iter().map(|(photo, _)| photo.mirrored()).collect();
        let angle = |index: usize| {
            // One view in each part of the circle.
            let (photo, view) = (index / views, index % views);
            let mut stream = Stream::numbered(VIEWS, photo as u64);
            let start = stream.uniform();
            TAU * (start + (view as f64 + Stream::numbered(VIEWS + 1, index as u64).uniform()) / views as f64)
        };
        let angles: Vec<f64> = (0..photos.len() * views).map(angle).collect();
        Self::compute(pretrained, views, angles, |index| match (index % views) % 2 {
            1 => &mirrored[index / views],
            _ => &photos[index / views].0,
        })
    }

    /// `views` of each photograph evenly around the circle, the first at its own angle.
    pub fn around(pretrained: &Pretrained, photos: &[(Photo, f64)], views: usize) -> Result<Self, StudyError> {
        let angle = |index: usize| photos[index / views].1 + TAU * (index % views) as f64 / views as f64;
        let angles = (0..photos.len() * views).map(angle).collect();
        Self::compute(pretrained, views, angles, |index| &photos[index / views].0)
    }

    fn compute<'p>(
        pretrained: &Pretrained,
        views: usize,
        angles: Vec<f64>,
        photo: impl Fn(usize) -> &'p Photo + Sync,
    ) -> Result<Self, StudyError> {
        let size = pretrained.size;
        let mut planes = Self { shape: (0, 0, 0), views, angles, values: Vec::new() };
        let all: Vec<usize> = (0..planes.angles.len()).collect();
        for rows in all.chunks(BATCH) {
            let view = |&row: &usize| photo(row).view(planes.angles[row], size);
            let pixels: Vec<f32> = rows.par_iter().flat_map_iter(view).collect();
            let output = outputs(pretrained, pixels, rows.len())?;
            let (_, channels, height, width) = output.dims4()?;
            planes.shape = (channels, height, width);
            let values = output.flatten_all()?.to_vec1::<f32>()?;
            planes.values.extend(values.into_iter().map(f16::from_f32));
        }
        Ok(planes)
    }

    /// (rows, channels, height, width) of these views.
    pub fn rows(&self, rows: impl Iterator<Item = usize>) -> Result<Tensor, NnError> {
        let (channels, height, width) = self.shape;
        let length = channels * height * width;
        let mut values = Vec::new();
        let mut count = 0;
        for row in rows {
            values.extend(self.values[row * length..][..length].iter().map(|value| value.to_f32()));
            count += 1;
        }
        Ok(Tensor::from_vec(values, (count, channels, height, width), &Device::Cpu)?)
    }
}

/// Outputs of the constant stages for views, values near -0.5..0.5 as [`UprightPicture::view`] makes them.
pub(super) fn outputs(pretrained: &Pretrained, views: Vec<f32>, count: usize) -> Result<Tensor, StudyError> {
    let (size, transform) = (pretrained.size, pretrained.row.transform);
    let plane = size * size;
    let normal = |(index, value): (usize, f32)| {
        let channel = index / plane % 3;
        (255.0 * (value + 0.5) - transform.mean[channel]) / transform.deviation[channel]
    };
    let pixels: Vec<f32> = views.into_iter().enumerate().map(normal).collect();
    let images = Tensor::from_vec(pixels, (count, 3, size, size), &Device::Cpu)?;
    Ok(pretrained.trunk.stage_output(&images, &pretrained.from)?)
}

/// Photographs with the targets of a head: in training one view of each, drawn anew in every epoch.
pub(super) struct PlaneViews<'a> {
    pub planes: &'a Planes,
    pub head: &'static AngleHead,
}

impl Dataset for PlaneViews<'_> {
    fn len(&self) -> usize {
        self.planes.angles.len() / self.planes.views
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let view = |row: u32| {
            let drawn = match mode {
                Mode::Eval => 0,
                Mode::Train { seed } => Stream::numbered(seed, u64::from(row)).below(self.planes.views),
            };
            row as usize * self.planes.views + drawn
        };
        let views: Vec<usize> = rows.iter().map(|row| view(*row)).collect();
        let targets: Vec<f64> = views.iter().flat_map(|&view| self.head.target(self.planes.angles[view])).collect();
        let targets = Tensor::from_vec(targets, (rows.len(), self.head.width()), &Device::Cpu)?;
        Ok(Examples::new(self.planes.rows(views.into_iter())?, targets.to_dtype(DType::F32)?))
    }
}
