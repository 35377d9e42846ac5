//! What operators between two values make of them.

use super::error::Fault;
use super::expression::Binary;
use super::value::{Value, mask};
use crate::circuit::{Operation, Param};
use crate::math::C64;

/// The operation on angles that an expression is which is not affine in one input.
pub(super) fn nonlinear(operator: Binary, left: Value, right: Value) -> Option<(Operation, [Param; 2])> {
    let depends = |value: Value| matches!(value, Value::Angle(Param::Slot { .. }));
    if !depends(left) && !depends(right) {
        return None;
    }
    let (a, b) = (left.angle().ok()?, right.angle().ok()?);
    let (operation, operands) = match operator {
        Binary::Add => (Operation::Add, [a, b]),
        Binary::Subtract => (Operation::Add, [a, -b]),
        Binary::Multiply => (Operation::Multiply, [a, b]),
        Binary::Divide => (Operation::Divide, [a, b]),
        Binary::Power => (Operation::Power, [a, b]),
        _ => return None,
    };
    // The others are computed at once.
    operation.affine(operands).is_none().then_some((operation, operands))
}

/// What a division of integers that leaves a rest is rounded down to. Below 0 the specification does not say which way;
/// two variables with a width are divided by [`binary`].
pub(super) fn rounded_down(operator: Binary, left: Value, right: Value) -> Option<i128> {
    let integer = |value| match value {
        Value::Integer(value) => Some((value, false)),
        Value::Bits { value, register, .. } => Some((value.into(), !register)),
        _ => None,
    };
    let ((a, is_declared), (b, is_too)) = (integer(left)?, integer(right)?);
    let leaves_rest = operator == Binary::Divide && a.checked_rem(b).is_some_and(|rest| rest != 0);
    (leaves_rest && (a < 0) == (b < 0) && !(is_declared && is_too)).then(|| a / b)
}

/// `left operator right`. With `real_division` 1/2 is one half, as in OpenQASM 2.
pub(super) fn binary(operator: Binary, left: Value, right: Value, real_division: bool) -> Result<Value, Fault> {
    use Binary as B;
    use Value::{Complex, Turn};
    match (operator, left, right) {
        (B::BitAnd | B::BitOr | B::BitXor | B::ShiftLeft | B::ShiftRight, Turn { parts, width }, other) => {
            let other = if let Turn { parts, width } = other { Value::unsigned(parts, width) } else { other };
            let Value::Bits { value, width, .. } =
                binary(operator, Value::unsigned(parts, width), other, real_division)?
            else {
                return Err(Fault::new("these do not fit together"));
            };
            return Ok(Value::turn(value, width));
        }
        (B::Add, Turn { parts: a, width }, Turn { parts: b, width: same }) if width == same => {
            return Ok(Value::turn(a.wrapping_add(b), width));
        }
        (B::Subtract, Turn { parts: a, width }, Turn { parts: b, width: same }) if width == same => {
            return Ok(Value::turn(a.wrapping_sub(b), width));
        }
        (B::Multiply, Turn { parts, width }, Value::Integer(count))
        | (B::Multiply, Value::Integer(count), Turn { parts, width }) => {
            return Ok(Value::turn(parts.wrapping_mul(count as u64), width));
        }
        (B::Divide, Turn { parts, width }, Value::Integer(count)) if count > 0 => {
            return Ok(Value::turn((u128::from(parts) / count as u128) as u64, width));
        }
        (_, Turn { .. }, _) => return binary(operator, Value::of(left.angle()?), right, real_division),
        (_, _, Turn { .. }) => return binary(operator, left, Value::of(right.angle()?), real_division),
        (_, Complex { .. }, _) | (_, _, Complex { .. }) => return complex(operator, left, right),
        _ => {}
    }
    match operator {
        B::And => Ok(Value::Boolean(left.truth()? && right.truth()?)),
        B::Or => Ok(Value::Boolean(left.truth()? || right.truth()?)),
        B::Equal | B::Different | B::Less | B::LessEqual | B::Greater | B::GreaterEqual => {
            compared(operator, left, right).map(Value::Boolean)
        }
        B::BitAnd | B::BitOr | B::BitXor => bitwise(operator, left, right),
        B::ShiftLeft | B::ShiftRight => shifted(left, right.integer()?, operator == B::ShiftLeft),
        _ if matches!((left, right), (Value::Duration { .. }, _) | (_, Value::Duration { .. })) => {
            durations(operator, left, right)
        }
        _ => arithmetic(operator, left, right, real_division),
    }
}

fn compared(operator: Binary, left: Value, right: Value) -> Result<bool, Fault> {
    let order = match (left, right) {
        (Value::Real(_), _) | (_, Value::Real(_)) => left.real()?.partial_cmp(&right.real()?),
        (Value::Duration { seconds: a, cycles: x }, Value::Duration { seconds: b, cycles: y }) => {
            match (x - y, a - b) {
                (0.0, difference) | (difference, 0.0) => difference.partial_cmp(&0.0),
                _ => return Err(Fault::new("cycles and seconds do not compare")),
            }
        }
        _ => left.integer()?.partial_cmp(&right.integer()?),
    };
    let order = order.ok_or_else(|| Fault::new("this is not a finite number"))?;
    Ok(match operator {
        Binary::Equal => order.is_eq(),
        Binary::Different => order.is_ne(),
        Binary::Less => order.is_lt(),
        Binary::LessEqual => order.is_le(),
        Binary::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn bitwise(operator: Binary, left: Value, right: Value) -> Result<Value, Fault> {
    let integer = |value: Value| match value {
        Value::Real(_) | Value::Angle(_) => {
            let fault = Fault::new("`&`, `|` and `^` combine integers and bits");
            Err(fault.hint("write ** for a power, && and || for conditions"))
        }
        other => other.integer(),
    };
    let (a, b) = (integer(left)?, integer(right)?);
    let result = match operator {
        Binary::BitAnd => a & b,
        Binary::BitOr => a | b,
        _ => a ^ b,
    };
    let width = |value| if let Value::Bits { width, .. } = value { Some(width) } else { None };
    let register = [left, right].iter().any(|value| matches!(value, Value::Bits { register: true, .. }));
    match (width(left), width(right), left, right) {
        (None, None, Value::Boolean(_), Value::Boolean(_)) => Ok(Value::Boolean(result != 0)),
        (None, None, ..) => Ok(Value::Integer(result)),
        (Some(a), Some(b), ..) if a != b => {
            let fault = Fault::new(format!("{a} bits and {b} bits do not fit together"));
            Err(fault.hint("cast one of them, or combine registers of one size"))
        }
        (a, b, ..) => {
            let width = a.or(b).unwrap_or(1);
            if result >> width == 0 {
                return Ok(Value::Bits { value: result as u64, width, register });
            }
            let fault = Fault::new(format!("an operand has more than the {width} bits of the other"));
            Err(fault.hint("cast the register to a wider integer"))
        }
    }
}

/// `value << count` or `value >> count`. Bits keep their number.
fn shifted(value: Value, count: i128, left: bool) -> Result<Value, Fault> {
    let count = u32::try_from(count).map_err(|_| Fault::new(format!("a shift by {count}")).hint("use 0 or more"))?;
    match value {
        Value::Bits { value, width, register } => {
            let value = match count {
                count if count >= width => 0,
                _ if left => value << count & mask(width),
                _ => value >> count,
            };
            Ok(Value::Bits { value, width, register })
        }
        other => {
            let integer = other.integer()?;
            let shifted = if left { 2i128.checked_pow(count).and_then(|p| integer.checked_mul(p)) } else { None };
            match shifted {
                Some(value) => Ok(Value::Integer(value)),
                None if !left => Ok(Value::Integer(integer >> count.min(127))),
                None => Err(Fault::new("this integer is too large").hint("shift it less")),
            }
        }
    }
}

/// Arithmetic of complex numbers.
fn complex(operator: Binary, left: Value, right: Value) -> Result<Value, Fault> {
    let number = |value: Value| match value {
        Value::Complex { re, im } => Ok(C64::new(re, im)),
        other => other.real().map(|re| C64::new(re, 0.0)),
    };
    let (a, b) = (number(left)?, number(right)?);
    let result = match operator {
        Binary::Equal => return Ok(Value::Boolean(a == b)),
        Binary::Different => return Ok(Value::Boolean(a != b)),
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Power => a.powc(b),
        _ => return Err(Fault::new("complex numbers cannot be combined like this").hint("use + - * / ** == and !=")),
    };
    Ok(Value::Complex { re: result.re, im: result.im })
}

/// Sums, multiples and ratios of durations.
fn durations(operator: Binary, left: Value, right: Value) -> Result<Value, Fault> {
    use Binary as B;
    use Value::Duration;
    match (operator, left, right) {
        (B::Add, Duration { seconds: a, cycles: x }, Duration { seconds: b, cycles: y }) => {
            Ok(Duration { seconds: a + b, cycles: x + y })
        }
        (B::Subtract, Duration { seconds: a, cycles: x }, Duration { seconds: b, cycles: y }) => {
            Ok(Duration { seconds: a - b, cycles: x - y })
        }
        (B::Divide, Duration { seconds: a, cycles: 0.0 }, Duration { seconds: b, cycles: 0.0 })
        | (B::Divide, Duration { seconds: 0.0, cycles: a }, Duration { seconds: 0.0, cycles: b }) => {
            Ok(Value::Real(a / b))
        }
        (B::Multiply, Duration { seconds, cycles }, number) | (B::Multiply, number, Duration { seconds, cycles }) => {
            let number = number.real()?;
            Ok(Duration { seconds: seconds * number, cycles: cycles * number })
        }
        (B::Divide, Duration { seconds, cycles }, number) => {
            let number = number.real()?;
            Ok(Duration { seconds: seconds / number, cycles: cycles / number })
        }
        _ => {
            let fault = Fault::new("durations cannot be combined like this");
            Err(fault.hint("add durations, multiply and divide them by numbers"))
        }
    }
}

fn arithmetic(operator: Binary, left: Value, right: Value, real_division: bool) -> Result<Value, Fault> {
    use Binary as B;
    let plain = |value: Value| match value {
        Value::Bits { value, .. } => Value::Integer(value.into()),
        other => other,
    };
    let widths = [left, right].map(|value| if let Value::Bits { width, .. } = value { Some(width) } else { None });
    // Variables declared with a width wrap around, as their type says.
    let declared = [left, right].iter().all(|value| matches!(value, Value::Bits { register: false, .. }));
    let (left, right) = (plain(left), plain(right));
    if let (Value::Integer(a), Value::Integer(b)) = (left, right)
        && let Some(result) = integers(operator, a, b, real_division, declared)?
    {
        // Two unsigned integers wrap around. Nobody writes that on purpose, and readers differ in when they do it.
        if let [Some(a), Some(b)] = widths
            && result >> a.max(b) != 0
        {
            if declared {
                return Ok(Value::unsigned(result as u64, a.max(b)));
            }
            let fault = Fault::new(format!("{result} does not fit into the {} bits of the operands", a.max(b)));
            return Err(fault.hint("cast one operand to int, or to a wider uint"));
        }
        return Ok(Value::Integer(result));
    }
    let (a, b) = (left.angle()?, right.angle()?);
    let result = match (operator, a, b) {
        (B::Add, a, Param::Fixed(b)) => a + b,
        (B::Add, Param::Fixed(a), b) => b + a,
        (B::Subtract, a, Param::Fixed(b)) => a + -b,
        (B::Subtract, Param::Fixed(a), b) => -b + a,
        (B::Multiply, a, Param::Fixed(b)) => a * b,
        (B::Multiply, Param::Fixed(a), b) => b * a,
        (B::Divide, Param::Fixed(a), Param::Fixed(b)) => Param::Fixed(a / b),
        (B::Divide, Param::Slot { slot, scale, offset }, Param::Fixed(b)) => {
            Param::Slot { slot, scale: scale / b, offset: offset / b }
        }
        (
            B::Add | B::Subtract,
            Param::Slot { slot: first, scale: s, offset: x },
            Param::Slot { slot: second, scale: t, offset: y },
        ) if first == second => {
            let sign = if operator == B::Add { 1.0 } else { -1.0 };
            Param::Slot { slot: first, scale: s + sign * t, offset: x + sign * y }
        }
        (B::Power, Param::Fixed(a), Param::Fixed(b)) => Param::Fixed(a.powf(b)),
        (B::Remainder, Param::Fixed(a), Param::Fixed(b)) => Param::Fixed(a % b),
        _ => {
            return Err(Fault::new("inputs cannot be combined like this")
                .hint("use + - * / ** and functions; or give the input a value with --input"));
        }
    };
    Ok(Value::of(result))
}

/// Exact arithmetic of integers; `None` where real numbers are needed.
fn integers(operator: Binary, a: i128, b: i128, real_division: bool, declared: bool) -> Result<Option<i128>, Fault> {
    let too_large =
        || Fault::new("this integer is too large").hint("write it with a point to compute with real numbers");
    let checked = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Remainder if b != 0 => a.checked_rem(b),
        Binary::Divide if b != 0 && (declared || a.checked_rem(b) == Some(0)) => a.checked_div(b),
        Binary::Divide if !real_division && b != 0 => {
            let rounds = match (a < 0) == (b < 0) {
                true => format!("OpenQASM 3 rounds to {}", a.wrapping_div(b)),
                false => "OpenQASM 3 rounds in no stated direction below 0".into(),
            };
            let message = format!("{a}/{b} is a division of integers, which {rounds}");
            return Err(Fault::new(message).hint(format!("write {a}.0/{b} for the real number")));
        }
        Binary::Power if b >= 0 => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        _ => return Ok(None),
    };
    if checked.is_none() && !real_division { Err(too_large()) } else { Ok(checked) }
}
