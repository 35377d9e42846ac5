//! The metric-driven controller on traces written down: when it releases a layer, which, and at what rate.
#![cfg(feature = "learn")]

use candle_core::DType;
use qgraft::nn::{Groups, Params};
use qgraft::transfer::{After, Hatl, Rule, Transfer, Verdict};

const RULE: Rule = Rule {
    window: 3,
    warm_up: 10,
    patience: 1,
    cooldown: 3,
    plateau: 0.1,
    decay: 1.0,
    near_best: 0.1,
    floor: 0.0,
    ratio: 0.5,
    top_down: true,
    restore: true,
};

/// A controller without a network: four groups, of which the last is the head.
fn controller(rule: Rule) -> Hatl {
    Hatl::new(&Groups(["a", "b", "c", "head"].map(|name| vec![name.to_string()]).to_vec()), rule)
}

/// Epochs, counted from 1, after which a layer was released.
fn releases(rule: Rule, metrics: &[f64]) -> Vec<usize> {
    let mut hatl = controller(rule);
    for (epoch, &metric) in metrics.iter().enumerate() {
        let after = hatl.after_epoch(epoch, metric);
        let released = hatl.verdicts()[epoch] == Verdict::Released;
        assert_eq!(after == After::RestoreBest, released, "a release goes back to the best");
    }
    let epochs = hatl.verdicts().iter().enumerate();
    epochs.filter(|(_, verdict)| **verdict == Verdict::Released).map(|(epoch, _)| epoch + 1).collect()
}

#[test]
fn hatl_releases_on_a_plateau_near_the_best() {
    assert_eq!(releases(RULE, &[0.5; 24]), [11, 15, 19], "after the warm-up, then after each cooldown");
    assert_eq!(releases(Rule { patience: 2, ..RULE }, &[0.5; 13]), [12], "two plateaus in a row");
    let swinging: Vec<f64> = (0..30).map(|epoch| if epoch % 2 == 0 { 0.3 } else { 0.7 }).collect();
    assert!(releases(RULE, &swinging).is_empty(), "it never stands still");
    let fallen: Vec<f64> = [0.9].into_iter().chain([0.5; 29]).collect();
    assert!(releases(RULE, &fallen).is_empty(), "the best is far away");
    assert!(releases(RULE, &[0.0; 30]).is_empty(), "nothing is learned yet");
    let shrinking = Rule { decay: 0.95, ..RULE };
    let mut told = controller(shrinking);
    for epoch in 0..7 {
        told.after_epoch(epoch, 0.5);
    }
    assert!((told.plateau_now() - 0.1 * 0.95f64.powi(7)).abs() < 1e-15);
}

#[test]
fn hatl_releases_from_the_head_down_at_layerwise_rates() {
    let mut hatl = controller(Rule { warm_up: 0, cooldown: 0, ..RULE });
    let params = Params::new(0, DType::F64);
    let mut rates = Vec::new();
    for epoch in 0..4 {
        rates.push(["a", "b", "c", "head"].map(|name| hatl.plan(&params, epoch).rate(name)));
        hatl.after_epoch(epoch, 0.5);
    }
    let released = [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 1.0, 1.0], [0.25, 0.5, 1.0, 1.0]];
    assert_eq!(rates, released);
    assert_eq!(hatl.verdicts().last(), Some(&Verdict::AllReleased));
    let mut upward = controller(Rule { warm_up: 0, top_down: false, ..RULE });
    upward.after_epoch(0, 0.5);
    assert_eq!(["a", "b", "c"].map(|name| upward.plan(&params, 1).moves(name)), [true, false, false]);
}
