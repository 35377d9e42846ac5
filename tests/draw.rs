//! Drawings.

use qgraft::circuit::{Circuit, Condition, Gate, Op, Param, draw};

fn sampler() -> Circuit {
    let mut c = Circuit::with_bits(4, 3);
    let x: Vec<Param> = (0..3).map(|k| c.slot(format!("x{k}"))).collect();
    c.push(Gate::H, &[0], &[]).unwrap();
    for k in 0..3 {
        c.push(Gate::Ry, &[k], &[x[k] * (k as f64 + 1.0) + 0.25]).unwrap();
    }
    c.push(Gate::Cx, &[0, 1], &[]).unwrap();
    c.push(Gate::Cx, &[3, 0], &[]).unwrap();
    c.push(Gate::Crz, &[2, 0], &[x[0]]).unwrap();
    c.push(Gate::Cp, &[1, 2], &[Param::Fixed(std::f64::consts::FRAC_PI_4)]).unwrap();
    c.push(Gate::Swap, &[1, 3], &[]).unwrap();
    c.append(Op::of(qgraft::circuit::OpKind::Barrier, &[0, 1, 2, 3])).unwrap();
    c.push(Gate::Rzz, &[3, 1], &[x[2]]).unwrap();
    c.push(Gate::Ecr, &[0, 1], &[]).unwrap();
    c.push(Gate::Cswap, &[0, 1, 3], &[]).unwrap();
    c.push(Gate::Ccx, &[0, 1, 2], &[]).unwrap();
    c.measure(0, 0).unwrap().measure(1, 1).unwrap();
    c.append(Op { condition: Some(Condition { bits: vec![0, 1], value: 2 }), ..Op::gate(Gate::X, &[2], &[]) }).unwrap();
    c.append(Op { condition: Some(Condition { bits: vec![0, 1, 2], value: 5 }), ..Op::gate(Gate::Sdg, &[3], &[]) })
        .unwrap();
    c.append(Op::of(qgraft::circuit::OpKind::Reset, &[0])).unwrap();
    c.append(Op::of(qgraft::circuit::OpKind::Delay(qgraft::math::Seconds::nano(120.0)), &[1])).unwrap();
    c
}

#[test]
fn text() {
    println!("{}", draw::text(&sampler(), 100));
}

#[test]
fn svg() {
    std::fs::write("/tmp/c.svg", draw::svg(&sampler())).unwrap();
}
