//! Bodies that sign: joints in the plane over time, by forward kinematics.
//!
//! Positions are (x, y) in shoulder widths from the neck, y upwards, x towards the signer's dominant side. Hand 0 is the
//! dominant one.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::math::Stream;

type Point = [f64; 2];

/// Head, neck, and for either side shoulder, elbow, wrist and three fingertips.
pub const JOINTS: usize = 14;

/// Hand shapes: each of three fingers is stretched or not.
pub const SHAPES: usize = 8;

/// Where signs are made: forehead, chin, shoulder, chest, side, belly.
pub static LOCATIONS: [Point; 6] = [[0.15, 0.75], [0.1, 0.3], [0.5, 0.15], [0.15, -0.35], [0.85, -0.4], [0.1, -0.95]];

/// Movements of a hand: displacements of about 1 at times 0..=1.
pub static MOVEMENTS: [fn(f64) -> Point; 8] = [
    |_| [0.0, 0.0],
    |u| [0.0, 2.0 * u - 1.0],
    |u| [0.0, 1.0 - 2.0 * u],
    |u| [2.0 * u - 1.0, 0.0],
    |u| [1.0 - 2.0 * u, 0.0],
    |u| [(TAU * u).sin(), (TAU * u).cos()],
    |u| [-(TAU * u).sin(), (TAU * u).cos()],
    |u| [(2.0 * TAU * u).sin(), 0.0],
];

/// Frames in which one sign becomes the next.
const BLEND: usize = 3;
/// Size of a sign's movement, shoulder widths.
const SIGN_SIZE: f64 = 0.22;
/// Size of an action's movement, shoulder widths.
const ACTION_SIZE: f64 = 0.55;
const UPPER_ARM: f64 = 0.8;
const FOREARM: f64 = 0.75;
const FINGER: f64 = 0.35;

/// A sign: a hand shape at a location, with a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sign {
    /// Below [`SHAPES`].
    pub shape: usize,
    /// Index of [`LOCATIONS`].
    pub location: usize,
    /// Index of [`MOVEMENTS`].
    pub movement: usize,
    /// Whether the other hand mirrors it.
    pub both: bool,
}

/// A gross motion, such as waving with both arms above the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Index of [`MOVEMENTS`].
    pub movement: usize,
    /// Whether both arms make it, or the dominant one alone.
    pub both: bool,
    /// Above the shoulders or below.
    pub high: bool,
    /// With open hands or with fists.
    pub open: bool,
}

impl Action {
    /// Number of actions.
    pub const COUNT: usize = 8 * MOVEMENTS.len();

    /// Action `class` of [`COUNT`](Self::COUNT).
    pub fn of_class(class: usize) -> Self {
        let is = |bit: usize| class >> bit & 1 == 1;
        Self { movement: class / 8 % MOVEMENTS.len(), both: is(0), high: is(1), open: is(2) }
    }
}

/// A signer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signer {
    /// Length of arms and fingers, in those of the average.
    limbs: f64,
    /// Frames of a sign, in those of the average.
    slowness: f64,
    /// Size of movements, in that of the average.
    amplitude: f64,
    /// Standard deviation of the wrists.
    tremor: f64,
}

/// How well a pose estimator finds keypoints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Camera {
    /// Standard deviation of a keypoint's position, shoulder widths.
    pub noise: f64,
    /// Share of keypoints that are not found, in 0..1.
    pub missing: f64,
}

impl Default for Camera {
    fn default() -> Self {
        Self { noise: 0.015, missing: 0.05 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Hand {
    wrist: Point,
    /// How far each finger is stretched, in 0..=1.
    fingers: [f64; 3],
}

/// Keypoints over time, and the sign of each frame.
#[derive(Clone, Debug)]
pub struct Film {
    /// (2 · joints, frames): x of each joint, then y.
    pub positions: Vec<f32>,
    /// The sign of each frame, by its position in the sentence; `None` at rest. As many as there are frames.
    pub signs: Vec<Option<usize>>,
}

const REST: [Hand; 2] = {
    let fingers = [0.6; 3];
    [Hand { wrist: [0.6, -1.5], fingers }, Hand { wrist: [-0.6, -1.5], fingers }]
};

impl Signer {
    /// Person `number` of the community `seed`.
    pub fn draw(seed: u64, number: u64) -> Self {
        let mut stream = Stream::numbered(seed, number);
        let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
        Self {
            limbs: between(0.85, 1.15),
            slowness: between(0.85, 1.15),
            amplitude: between(0.75, 1.25),
            tremor: between(0.005, 0.03),
        }
    }
}

impl Sign {
    fn hands(&self, time: f64, amplitude: f64) -> [Hand; 2] {
        let [x, y] = LOCATIONS[self.location];
        let [dx, dy] = MOVEMENTS[self.movement](time);
        let finger = |k: usize| if self.shape >> k & 1 == 1 { 1.0 } else { 0.3 };
        let fingers = [0, 1, 2].map(finger);
        let wrist = [x + amplitude * dx, y + amplitude * dy];
        let other = Hand { wrist: [-wrist[0], wrist[1]], fingers };
        [Hand { wrist, fingers }, if self.both { other } else { REST[1] }]
    }
}

impl Film {
    /// Signs one after the other, from rest and back to it, in `frames` frames. A sign takes 7 to 12 of them.
    pub fn of_signs(signs: &[Sign], frames: usize, signer: &Signer, camera: &Camera, stream: &mut Stream) -> Self {
        let (mut poses, mut which, mut last) = (Vec::new(), Vec::new(), REST);
        let amplitude = SIGN_SIZE * signer.amplitude;
        for (number, sign) in signs.iter().enumerate() {
            let length = (signer.slowness * (8 + stream.below(4)) as f64).round().clamp(7.0, 12.0) as usize;
            for frame in 0..length {
                let now = sign.hands(minimum_jerk(frame as f64 / (length - 1) as f64), amplitude);
                poses.push(blended(last, now, frame));
                which.push(Some(number));
            }
            last = sign.hands(1.0, amplitude);
        }
        for frame in 0..frames.saturating_sub(poses.len()) {
            poses.push(blended(last, REST, frame));
            which.push(None);
        }
        poses.truncate(frames);
        which.truncate(frames);
        Self { positions: keypoints(&poses, signer, camera, stream), signs: which }
    }

    /// An action, repeated at a random speed from a random phase, at a random position of its height.
    pub fn of_action(action: Action, frames: usize, signer: &Signer, camera: &Camera, stream: &mut Stream) -> Self {
        let [right, up, phase] = [stream.uniform(), stream.uniform(), stream.uniform()];
        let (x, y) = (0.3 + 0.6 * right, if action.high { 0.2 } else { -0.9 } + 0.5 * up);
        let (cycles, fingers) = (1.0 + 2.0 * stream.uniform(), [if action.open { 1.0 } else { 0.3 }; 3]);
        let size = ACTION_SIZE * signer.amplitude;
        let pose = |frame: usize| {
            let time = (phase + cycles * frame as f64 / frames as f64).fract();
            let [dx, dy] = MOVEMENTS[action.movement](time);
            let hand = |side: f64| Hand { wrist: [side * (x + size * dx), y + size * dy], fingers };
            [hand(1.0), if action.both { hand(-1.0) } else { REST[1] }]
        };
        let poses: Vec<_> = (0..frames).map(pose).collect();
        Self { positions: keypoints(&poses, signer, camera, stream), signs: vec![None; frames] }
    }
}

/// The way from 0 to 1 with the least jerk (Flash & Hogan 1985).
fn minimum_jerk(time: f64) -> f64 {
    let t = time.clamp(0.0, 1.0);
    t * t * t * (10.0 - 15.0 * t + 6.0 * t * t)
}

/// The pose `frame` frames after leaving `from` for `to`.
fn blended(from: [Hand; 2], to: [Hand; 2], frame: usize) -> [Hand; 2] {
    let share = minimum_jerk((frame + 1) as f64 / (BLEND + 1) as f64);
    let mix = |a: f64, b: f64| a + share * (b - a);
    [0, 1].map(|side| {
        let (from, to) = (from[side], to[side]);
        Hand {
            wrist: [0, 1].map(|k| mix(from.wrist[k], to.wrist[k])),
            fingers: [0, 1, 2].map(|k| mix(from.fingers[k], to.fingers[k])),
        }
    })
}

/// (2 · joints, frames): what the camera finds of hands in these poses.
fn keypoints(poses: &[[Hand; 2]], signer: &Signer, camera: &Camera, stream: &mut Stream) -> Vec<f32> {
    let frames = poses.len();
    let mut positions = vec![0.0; 2 * JOINTS * frames];
    for (frame, hands) in poses.iter().enumerate() {
        let mut joints = vec![[0.0, 0.65], [0.0, 0.0]];
        for (side, hand) in [1.0, -1.0].into_iter().zip(hands) {
            let wrist = hand.wrist.map(|value| value + signer.tremor * stream.normal());
            joints.extend(arm(side, Hand { wrist, ..*hand }, signer.limbs));
        }
        for (joint, position) in joints.into_iter().enumerate() {
            // A keypoint that is not found lies at the neck, the origin.
            let found = stream.uniform() >= camera.missing;
            for (axis, value) in position.into_iter().enumerate() {
                let value = value + camera.noise * stream.normal();
                positions[(axis * JOINTS + joint) * frames + frame] = if found { value as f32 } else { 0.0 };
            }
        }
    }
    positions
}

/// Shoulder, elbow, wrist and fingertips. A wrist out of reach comes as near as the arm is long.
fn arm(side: f64, hand: Hand, limbs: f64) -> [Point; 6] {
    let shoulder = [0.5 * side, -0.1];
    let (upper, fore) = (UPPER_ARM * limbs, FOREARM * limbs);
    let way = [hand.wrist[0] - shoulder[0], hand.wrist[1] - shoulder[1]];
    let wanted = way[0].hypot(way[1]).max(1e-6);
    let direction = way.map(|w| w / wanted);
    let distance = wanted.clamp((upper - fore).abs() + 1e-6, upper + fore);
    // Two sides of a triangle over the third: how far along it the elbow is, and how far from it.
    let along = (upper * upper - fore * fore + distance * distance) / (2.0 * distance);
    let aside = (upper * upper - along * along).max(0.0).sqrt() * side;
    let elbow = [
        shoulder[0] + along * direction[0] - aside * direction[1],
        shoulder[1] + along * direction[1] + aside * direction[0],
    ];
    let wrist = [shoulder[0] + distance * direction[0], shoulder[1] + distance * direction[1]];
    let pointing = (wrist[1] - elbow[1]).atan2(wrist[0] - elbow[0]);
    let tip = |k: usize| {
        let (angle, length) = (pointing + side * 0.7 * (k as f64 - 1.0), FINGER * limbs * hand.fingers[k]);
        [wrist[0] + length * angle.cos(), wrist[1] + length * angle.sin()]
    };
    [shoulder, elbow, wrist, tip(0), tip(1), tip(2)]
}
