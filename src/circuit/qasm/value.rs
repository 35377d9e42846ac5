//! What an expression can be, and what casts make of it.

use std::f64::consts::TAU;
use std::fmt;

use super::error::Fault;
use super::syntax::Type;
use crate::circuit::Param;
use crate::math::words::number;

/// Bits of a [`Value::Bits`] at most.
pub(super) const WIDEST: usize = 64;

/// What an expression can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i128),
    Real(f64),
    Boolean(bool),
    /// A register, an element of one or an unsigned integer of known width.
    Bits {
        value: u64,
        width: u32,
        /// Of a register, whose number of bits is no matter of convenience: an integer can be made wider.
        register: bool,
    },
    /// `angle[n]`: this many parts of a turn, of which 2ⁿ are one.
    Turn {
        parts: u64,
        width: u32,
    },
    Complex {
        re: f64,
        im: f64,
    },
    /// Affine in one input.
    Angle(Param),
    /// A time: seconds, and cycles of the device.
    Duration {
        seconds: f64,
        cycles: f64,
    },
    /// A time that depends on stretches, by its number in `timing`.
    Stretch(usize),
}

/// With its sign, as the second part of a sum.
fn signed(value: f64) -> String {
    let text = number(value);
    if text.starts_with('-') { text } else { format!("+{text}") }
}

/// As a message names it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) | Self::Angle(Param::Fixed(value)) => f.write_str(&number(value)),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Bits { value, width, register: true } => write!(f, "\"{value:0width$b}\"", width = width as usize),
            Self::Bits { value, .. } => write!(f, "{value}"),
            Self::Turn { parts, width } => write!(f, "{} radians", parts as f64 / 2f64.powi(width as i32) * TAU),
            Self::Complex { re, im } => write!(f, "{}{}im", number(re), signed(im)),
            Self::Angle(Param::Slot { .. }) => write!(f, "an input"),
            Self::Duration { seconds, cycles: 0.0 } => write!(f, "{}s", number(seconds)),
            Self::Duration { seconds: 0.0, cycles } => write!(f, "{}dt", number(cycles)),
            Self::Duration { seconds, cycles } => write!(f, "{}s{}dt", number(seconds), signed(cycles)),
            Self::Stretch(_) => write!(f, "a stretch"),
        }
    }
}

const NEEDS_NUMBER: &str =
    "give the input a value with --input NAME=VALUE, or compute it outside and declare the result as input";

/// `width` ones.
pub(super) fn mask(width: u32) -> u64 {
    u64::MAX >> (64 - width.clamp(1, 64))
}

impl Value {
    /// Bits of this width with this value, which may be wider.
    pub fn bits(value: u64, width: u32) -> Self {
        Self::Bits { value: value & mask(width), width, register: true }
    }

    /// The same as an unsigned integer of that width.
    pub fn unsigned(value: u64, width: u32) -> Self {
        Self::Bits { value: value & mask(width), width, register: false }
    }

    /// An angle of that many bits.
    pub fn turn(parts: u64, width: u32) -> Self {
        Self::Turn { parts: parts & mask(width), width }
    }

    /// The nearest angle of so many bits.
    fn turn_of(radians: f64, width: u32) -> Self {
        let parts = (radians / TAU).rem_euclid(1.0) * 2f64.powi(width as i32);
        // Rounded up to a whole turn it is none.
        Self::turn(if parts.round() >= 2f64.powi(width as i32) { 0 } else { parts.round() as u64 }, width)
    }

    /// As an angle of a gate.
    pub fn angle(self) -> Result<Param, Fault> {
        match self {
            Self::Integer(value) => Ok(Param::Fixed(value as f64)),
            Self::Real(value) => Ok(Param::Fixed(value)),
            Self::Angle(param) => Ok(param),
            Self::Boolean(_) => Err(Fault::new("a truth value is no angle").hint("write a number in radians")),
            Self::Bits { register: false, value, .. } => Ok(Param::Fixed(value as f64)),
            Self::Bits { .. } => Err(Fault::new("bits are no angle").hint("write a number in radians")),
            Self::Turn { parts, width } => Ok(Param::Fixed(parts as f64 / 2f64.powi(width as i32) * TAU)),
            Self::Complex { .. } => {
                Err(Fault::new("a complex number is no real one").hint("take real(z) or imag(z) of it"))
            }
            Self::Duration { .. } | Self::Stretch(_) => {
                Err(Fault::new("a duration is no number").hint("divide it by another duration"))
            }
        }
    }

    /// As a real number.
    pub fn real(self) -> Result<f64, Fault> {
        match self.angle()? {
            Param::Fixed(value) => Ok(value),
            Param::Slot { .. } => {
                Err(Fault::new("this depends on an input, but a number is needed").hint(NEEDS_NUMBER))
            }
        }
    }

    /// As an integer.
    pub fn integer(self) -> Result<i128, Fault> {
        match self {
            Self::Integer(value) => Ok(value),
            Self::Boolean(value) => Ok(i128::from(value)),
            Self::Bits { value, .. } => Ok(i128::from(value)),
            Self::Real(value) => {
                let fault = Fault::new(format!("{} is not an integer", number(value)));
                Err(fault.hint("write a whole number without a point"))
            }
            Self::Turn { .. } => Err(Fault::new("an angle is not an integer").hint("cast it to bits first")),
            Self::Complex { .. } => Err(Fault::new("a complex number is not an integer").hint("write a whole number")),
            Self::Angle(_) => Err(Fault::new("an input is not an integer").hint("write a whole number")),
            Self::Duration { .. } | Self::Stretch(_) => {
                Err(Fault::new("a duration is not an integer").hint("write a whole number"))
            }
        }
    }

    /// As a truth value.
    pub fn truth(self) -> Result<bool, Fault> {
        match self {
            Self::Boolean(value) => Ok(value),
            Self::Integer(value) => Ok(value != 0),
            Self::Bits { value, .. } | Self::Turn { parts: value, .. } => Ok(value != 0),
            _ => Err(Fault::new("this is not a truth value").hint("compare bits with integers, as in c == 3")),
        }
    }

    /// Whether its numbers are finite.
    pub fn is_finite(self) -> bool {
        match self {
            Self::Real(x) | Self::Angle(Param::Fixed(x)) => x.is_finite(),
            Self::Angle(Param::Slot { scale, offset, .. }) => scale.is_finite() && offset.is_finite(),
            Self::Duration { seconds, cycles } => seconds.is_finite() && cycles.is_finite(),
            Self::Complex { re, im } => re.is_finite() && im.is_finite(),
            Self::Integer(_) | Self::Boolean(_) | Self::Bits { .. } | Self::Turn { .. } | Self::Stretch(_) => true,
        }
    }

    /// `-x`.
    pub fn negated(self) -> Result<Self, Fault> {
        match self {
            Self::Integer(value) => Ok(Self::Integer(value.saturating_neg())),
            Self::Bits { value, .. } => Ok(Self::Integer(-i128::from(value))),
            Self::Turn { parts, width } => Ok(Self::turn(parts.wrapping_neg(), width)),
            Self::Complex { re, im } => Ok(Self::Complex { re: -re, im: -im }),
            Self::Duration { seconds, cycles } => Ok(Self::Duration { seconds: -seconds, cycles: -cycles }),
            other => Ok(Self::of(-other.angle()?)),
        }
    }

    /// `~x`.
    pub fn complement(self) -> Result<Self, Fault> {
        match self {
            Self::Bits { value, width, register } => Ok(Self::Bits { value: !value & mask(width), width, register }),
            Self::Turn { parts, width } => Ok(Self::turn(!parts, width)),
            Self::Boolean(value) => Ok(Self::Boolean(!value)),
            _ => {
                Err(Fault::new("`~` needs to know the number of bits")
                    .hint("cast to that many first, as in uint[4](n)"))
            }
        }
    }

    pub fn of(param: Param) -> Self {
        match param {
            Param::Fixed(value) => Self::Real(value),
            Param::Slot { .. } => Self::Angle(param),
        }
    }

    /// The value as one of this type. Bits keep their pattern, so `int[2]` of the bits 10 is -2.
    pub fn cast(self, kind: Type, width: Option<u32>) -> Result<Self, Fault> {
        let name = || width.map_or_else(|| kind.name().to_string(), |width| format!("{}[{width}]", kind.name()));
        let refuse = |what: String| Err(Fault::new(format!("{} cannot be made of {what}", name())));
        if let (Self::Bits { width: given, register: true, .. }, Some(width), Type::Int | Type::Uint | Type::Bit) =
            (self, width, kind)
            && given != width
            // A single bit is a truth value.
            && !(given == 1 && kind != Type::Bit)
        {
            return refuse(format!("{given} bits")).map_err(|fault| fault.hint("use as many bits"));
        }
        match kind {
            Type::Angle if let (Self::Bits { value, width: given, .. }, Some(width)) = (self, width) => match given {
                given if given == width => Ok(Self::turn(value, width)),
                _ => refuse(format!("{given} bits")).map_err(|fault| fault.hint("use as many bits")),
            },
            Type::Angle if let (Self::Turn { parts, width: given }, Some(width)) = (self, width) => {
                Ok(Self::turn(if width >= given { parts << (width - given) } else { parts >> (given - width) }, width))
            }
            Type::Angle => match (self.angle()?, width) {
                (Param::Fixed(radians), Some(width)) => Ok(Self::turn_of(radians, width)),
                (param, _) => Ok(Self::of(param)),
            },
            Type::Float => Ok(Self::of(self.angle()?)),
            Type::Complex => match self {
                Self::Complex { .. } => Ok(self),
                other => Ok(Self::Complex { re: other.real()?, im: 0.0 }),
            },
            Type::Duration => match self {
                Self::Duration { .. } | Self::Stretch(_) => Ok(self),
                _ => refuse("a number".into()).map_err(|fault| fault.hint("write a unit of time, as in 100ns")),
            },
            Type::Bool => match self {
                Self::Real(value) => Ok(Self::Boolean(value != 0.0)),
                other => other.truth().map(Self::Boolean),
            },
            Type::Int => match width {
                None => self.whole().map(Self::Integer),
                Some(width) => {
                    let pattern = mask(width) & self.whole()? as u64;
                    let sign = pattern >> (width - 1) & 1;
                    Ok(Self::Integer(i128::from(pattern) - (i128::from(sign) << width)))
                }
            },
            Type::Uint => match (self.whole()?, width) {
                (value, None) if value < 0 => refuse(value.to_string()),
                (value, None) => Ok(Self::Integer(value)),
                (value, Some(width)) => Ok(Self::unsigned(value as u64, width)),
            },
            Type::Bit if let Self::Turn { parts, width: given } = self => match width.unwrap_or(1) {
                width if width == given => Ok(Self::bits(parts, width)),
                _ => refuse(format!("an angle of {given} bits")),
            },
            Type::Bit => {
                let (value, width) = (self.whole()?, width.unwrap_or(1));
                // A negative integer of that width keeps its pattern.
                if value >> width != 0 && value >> (width - 1) != -1 {
                    return refuse(value.to_string()).map_err(|fault| fault.hint("name as many bits as it needs"));
                }
                Ok(Self::bits(value as u64, width))
            }
        }
    }

    /// An integer, real numbers without what is behind the point.
    fn whole(self) -> Result<i128, Fault> {
        match self {
            // Beyond 2^53 real numbers are whole, far beyond it they are no integers of this language.
            Self::Real(value) if value.abs() < 2f64.powi(64) => Ok(value.trunc() as i128),
            Self::Real(value) => {
                Err(Fault::new(format!("{value:e} does not fit into an integer of 64 bits"))
                    .hint("use a smaller number"))
            }
            other => other.integer(),
        }
    }
}
