//! Boxes of files fused image by image, and how good the boxes of a file are.

use std::ops::Range;

use rayon::prelude::*;

use crate::classic::boxes::{Detection, Fusion};
use crate::data::{JoinedBox, JoinedBoxes};
use crate::study::detection::{Scores, Truth};

/// A box without a score counts as certain.
fn detection(found: &JoinedBox) -> Detection {
    Detection { corners: found.corners, score: found.score.unwrap_or(1.0), label: found.class }
}

/// The boxes of the files `members`, fused: by image, best score first.
pub fn fuse_files(joined: &JoinedBoxes, members: Range<usize>, fusion: &Fusion) -> Vec<Vec<JoinedBox>> {
    let fuse = |image: usize| {
        let members: Vec<Vec<Detection>> =
            members.clone().map(|file| joined.boxes[file][image].iter().map(detection).collect()).collect();
        let fused = fusion.fuse(&members).into_iter();
        fused.map(|found| JoinedBox { corners: found.corners, class: found.label, score: Some(found.score) }).collect()
    };
    (0..joined.images.len()).into_par_iter().map(fuse).collect()
}

/// COCO's figures of `boxes` (by image) against file `truth`, over its images alone.
pub fn score_boxes(joined: &JoinedBoxes, boxes: &[Vec<JoinedBox>], truth: usize) -> Scores {
    let images: Vec<usize> = (0..joined.images.len()).filter(|&image| joined.has_image[truth][image]).collect();
    let found: Vec<Vec<Detection>> = images.iter().map(|&image| boxes[image].iter().map(detection).collect()).collect();
    let thing = |found: &JoinedBox| Truth { corners: found.corners, label: found.class };
    let truths: Vec<Vec<Truth>> =
        images.iter().map(|&image| joined.boxes[truth][image].iter().map(thing).collect()).collect();
    Scores::of(&found, &truths, joined.classes.len())
}
