//! Numbers and angles as text that reads back to the same double.

use std::f64::consts::PI;

use crate::circuit::{Derived, Param};

/// Denominators tried for multiples of pi: the small ones and the powers of two of Fourier transforms.
const DENOMINATORS: [u32; 26] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 24, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];

/// `value` as a literal or, where that is exact, a multiple of `pi`.
pub fn number(value: f64) -> String {
    multiple_of_pi(value, "pi").unwrap_or_else(|| literal(value))
}

/// `value` as `3*pi/4` with the given sign for pi, if evaluating that from left to right gives the very same double.
pub fn multiple_of_pi(value: f64, pi: &str) -> Option<String> {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    for below in DENOMINATORS {
        let above = (size / PI * f64::from(below)).round();
        if !(1.0..=64.0).contains(&above) || above * PI / f64::from(below) != size {
            continue;
        }
        let factor = if above == 1.0 { String::new() } else { format!("{above}*") };
        let divisor = if below == 1 { String::new() } else { format!("/{below}") };
        return Some(format!("{sign}{factor}{pi}{divisor}"));
    }
    None
}

/// The shortest decimal that reads back to `value`, always with a point: OpenQASM 2 has no `1e-7`.
pub fn literal(value: f64) -> String {
    if value == 0.0 && value.is_sign_positive() {
        return "0".into();
    }
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// A derived angle, `names[slot]` standing for a slot: `(-x0 + pi)*(-x1 + pi)`, `sin(x0)`.
pub(in crate::circuit) fn formula(made: &Derived, names: &[String]) -> String {
    let row = made.operation.row();
    let [a, b] = made.operands.map(|operand| angle(operand, names));
    if !row.is_binary {
        return format!("{}({a})", row.sign);
    }
    // What is more than a name or a number without a sign.
    let enclosed = |text: String, operand: Param| match operand {
        Param::Slot { scale, offset, .. } if (scale, offset) == (1.0, 0.0) => text,
        _ => format!("({text})"),
    };
    format!("{}{}{}", enclosed(a, made.operands[0]), row.sign, enclosed(b, made.operands[1]))
}

/// An angle, `names[slot]` standing for a slot: `x0`, `-x0`, `2.0*x0 + pi/2`.
pub fn angle(param: Param, names: &[String]) -> String {
    let (slot, scale, offset) = match param {
        Param::Fixed(value) => return number(value),
        Param::Slot { slot, scale, offset } => (slot, scale, offset),
    };
    let name = &names[slot];
    let term = match scale {
        1.0 => name.clone(),
        -1.0 => format!("-{name}"),
        _ => format!("{}*{name}", number(scale)),
    };
    match offset {
        0.0 => term,
        _ if offset < 0.0 => format!("{term} - {}", number(-offset)),
        _ => format!("{term} + {}", number(offset)),
    }
}
