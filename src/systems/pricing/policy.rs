//! A target's rounds: what is offered, what is chosen, and what is learned from it.

use ndarray::{Array1, Array2, Axis};

use crate::classic::choice::{Choices, Offer, Optimism, revenue};
use crate::lab::Context;
use crate::math::Stream;
use crate::math::linear::{is_positive, solve_positive};
use crate::study::StudyError;
use crate::systems::pricing::arms::{ArmRow, Estimate, Policy, Sources};
use crate::systems::pricing::estimate::{Fitted, Penalties, estimate};
use crate::systems::pricing::spec::{History, Spec};
use crate::systems::pricing::world::{World, choice, random_offer};

/// Growth of the number of choices between estimates of [`Policy::EveryRound`].
const GROWTH: f64 = 1.02;
/// Added to the diagonal of information before it is inverted.
const LEAST_INFORMATION: f64 = 1.0;
/// Rounds between questions whether the run is to stop.
const ROUNDS: usize = 64;

/// What a policy did.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Expected revenue of the best offer minus that of the offer, summed up to each round.
    pub regret: Vec<f64>,
    /// Rounds of random play that the gate forced.
    pub forced: usize,
    /// Rounds of random play otherwise.
    pub random: usize,
    /// Of all other rounds, those in which the optimistic revenue was at least the best one.
    pub optimistic: usize,
    /// Number of estimates.
    pub estimates: usize,
    /// The round of the last estimate.
    pub last: usize,
    /// The last estimate.
    pub nu: Vec<f64>,
}

/// A policy in a world.
pub struct Player<'a> {
    spec: &'a Spec,
    world: &'a World,
    arm: &'static ArmRow,
    /// Choices of the target so far.
    target: Choices,
    /// Those from rounds of exploration, of a policy that learns from them alone.
    explored: Choices,
    nu: Vec<f64>,
    optimism: Optimism,
    /// Information of online steps.
    information: Array2<f64>,
    prices: Vec<f64>,
    played: Played,
}

impl<'a> Player<'a> {
    /// Before the first round.
    pub fn new(spec: &'a Spec, world: &'a World, arm: &'static ArmRow) -> Self {
        let width = world.design.width();
        let step = spec.ceiling / spec.price_levels as f64;
        Self {
            spec,
            world,
            arm,
            target: Choices::new(width, true),
            explored: Choices::new(width, true),
            nu: vec![0.0; width],
            optimism: Optimism { inverse: Array2::eye(width), alpha: 0.0, beta: 0.0, least_slope: world.least_slope },
            information: Array2::eye(width) * LEAST_INFORMATION,
            prices: (1..=spec.price_levels).map(|level| step * level as f64).collect(),
            played: Played::default(),
        }
    }

    /// Plays every round.
    ///
    /// # Errors
    /// If a likelihood is not finite, or the run is to stop.
    pub fn play(mut self, context: &Context) -> Result<Played, StudyError> {
        let mut regret = 0.0;
        for round in 0..self.world.rounds() {
            if round % ROUNDS == 0 {
                context.proceed()?;
            }
            let is_exploring = self.prepare(round)?;
            let (items, prices) = match is_exploring {
                true => {
                    let mut stream = Stream::numbered(self.world.exploration, round as u64);
                    random_offer(self.spec, self.world.items, &mut stream)
                }
                false => {
                    let offer = self.offer(round);
                    self.played.optimistic += usize::from(offer.revenue >= self.world.best[round]);
                    // No item is worth anything where all utilities are below what a number can hold.
                    match offer.items.is_empty() {
                        true => (vec![0], vec![self.spec.ceiling]),
                        false => (offer.items, offer.prices),
                    }
                }
            };
            let own = |k: usize| (prices[k], self.world.utility(round, items[k]).at(prices[k]));
            let terms: Vec<(f64, f64)> = (0..items.len()).map(own).collect();
            regret += (self.world.best[round] - revenue(terms.iter().copied())).max(0.0);
            self.played.regret.push(regret);
            self.observe(round, (&items, &prices), &terms, is_exploring)?;
        }
        self.played.nu = self.nu;
        Ok(self.played)
    }

    /// Learns if it is time to, and says whether the round is one of random play.
    fn prepare(&mut self, round: usize) -> Result<bool, StudyError> {
        let width = self.world.design.width();
        let is_start = round < width;
        let (is_due, is_exploring, is_forced) = match self.arm.policy {
            Policy::Episodes | Policy::Theory | Policy::Greedy => {
                // The paper's 2d rounds of random play, to the end of their episode.
                let first = width.next_power_of_two();
                let is_forced = round >= first && self.is_gated(round);
                (round >= first && round.is_power_of_two(), round < first, is_forced)
            }
            Policy::EveryRound => {
                let is_due = !is_start && round as f64 >= (self.played.last as f64 * GROWTH).ceil();
                (is_due, is_start, false)
            }
            Policy::Exploring => {
                // Episode k has `width` rounds of exploration and then k others.
                let (mut start, mut k) = (0, 1);
                while start + width + k <= round {
                    start += width + k;
                    k += 1;
                }
                (round == start + width, round < start + width, false)
            }
            Policy::OnlineNewton => (round == width, is_start, false),
        };
        if is_due {
            self.learn(round)?;
        }
        self.played.forced += usize::from(is_forced && !is_exploring);
        self.played.random += usize::from(is_exploring);
        Ok(is_exploring || is_forced)
    }

    /// Whether the episode ends soon and its choices say too little about some direction.
    fn is_gated(&self, round: usize) -> bool {
        let start = 1 << round.ilog2();
        let rounds = self.spec.gate_rounds.min(start / 2);
        if round + rounds < 2 * start {
            return false;
        }
        let mut own = Choices::new(self.target.width(), true);
        own.extend(&self.target, start..round, 1.0);
        let mut gram = own.gram();
        let least = self.spec.gate_information * rounds as f64;
        gram.diag_mut().iter_mut().for_each(|entry| *entry -= least);
        !is_positive(&gram)
    }

    fn learn(&mut self, round: usize) -> Result<(), StudyError> {
        let is_episode = matches!(self.arm.policy, Policy::Episodes | Policy::Theory | Policy::Greedy);
        let from = match self.spec.history {
            History::Episode if is_episode => round / 2,
            _ => 0,
        };
        let width = self.target.width();
        let mut target = Choices::new(width, true);
        match self.arm.policy {
            Policy::Exploring => target.extend(&self.explored, 0..self.explored.len(), 1.0),
            _ => target.extend(&self.target, from..round, 1.0),
        }
        let mut sources = Choices::new(width, true);
        let count = match self.arm.sources {
            Sources::None => 0,
            Sources::One => 1,
            Sources::All => self.world.sources.len(),
        };
        for (source, weight) in self.world.sources.iter().zip(&self.world.weights).take(count) {
            let factor = if self.arm.estimate == Estimate::Weighted { *weight } else { 1.0 };
            sources.extend(source, from..round, factor);
        }
        let (log, rounds) = (self.log_confidence(), target.len() as f64);
        let penalties = Penalties { ridge: self.spec.ridge, l1: self.spec.lambda * (log / rounds).sqrt() };
        let Fitted { nu, fisher, .. } = estimate(self.arm.estimate, &target, &sources, penalties, &self.nu)?;
        self.nu = nu;
        self.played.estimates += 1;
        self.played.last = round;
        if self.arm.policy == Policy::OnlineNewton {
            self.information = &self.information + &fisher;
        }
        let has_sources = !sources.is_empty() && self.arm.estimate != Estimate::Pooled;
        self.set_radii(&fisher, if has_sources { penalties.l1 } else { 0.0 });
        Ok(())
    }

    /// log(2d/η) with η = 1/T².
    fn log_confidence(&self) -> f64 {
        (self.target.width() as f64).ln() + 2.0 * (self.world.rounds() as f64).ln()
    }

    /// Radii after an estimate with this information and this penalty on its difference.
    fn set_radii(&mut self, fisher: &Array2<f64>, l1: f64) {
        let width = self.target.width();
        let (alpha, beta) = match self.arm.policy {
            Policy::Greedy | Policy::Exploring => (0.0, 0.0),
            Policy::Theory => (1.0, 1.0),
            _ => (self.spec.alpha, self.spec.beta),
        };
        let growth = 1.0 + fisher.diag().sum() / (width as f64 * LEAST_INFORMATION);
        let confidence = 2.0f64.ln() + 2.0 * (self.world.rounds() as f64).ln();
        self.optimism.alpha = alpha * (width as f64 * growth.ln() + confidence).sqrt();
        self.optimism.beta = beta * self.spec.coordinates as f64 * l1;
        let mut information = fisher.clone();
        information.diag_mut().iter_mut().for_each(|entry| *entry += LEAST_INFORMATION);
        // Fisher information is positive semidefinite, and the identity was added.
        if let Some(inverse) = solve_positive(&information, &Array2::eye(width)) {
            self.optimism.inverse = inverse;
        }
    }

    /// What the policy offers.
    fn offer(&self, round: usize) -> Offer {
        let Self { world, spec, .. } = self;
        let table = |items: &[f64]| {
            let table = self.optimism.table(&world.design, items, &self.nu, &self.prices);
            table.best_offer(spec.offer)
        };
        if !matches!(self.arm.policy, Policy::Exploring | Policy::OnlineNewton) {
            return table(world.context(round));
        }
        let quality = |item: usize| world.design.utility(world.item(round, item), &self.nu).quality;
        let mut order: Vec<(usize, f64)> = (0..world.items).map(|item| (item, quality(item))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut kept: Vec<usize> = order.into_iter().take(spec.offer).map(|(item, _)| item).collect();
        kept.sort_unstable();
        let features: Vec<f64> = kept.iter().flat_map(|&item| world.item(round, item).iter().copied()).collect();
        let offer = table(&features);
        Offer { items: offer.items.iter().map(|&k| kept[k]).collect(), ..offer }
    }

    /// Takes note of what is chosen of an offer with these prices and utilities.
    fn observe(
        &mut self,
        round: usize,
        (items, prices): (&[usize], &[f64]),
        terms: &[(f64, f64)],
        is_exploring: bool,
    ) -> Result<(), StudyError> {
        let mut rows = Vec::new();
        for (&item, &price) in items.iter().zip(prices) {
            self.world.design.push_row(self.world.item(round, item), price, &mut rows);
        }
        let utilities: Vec<f64> = terms.iter().map(|(_, utility)| *utility).collect();
        let chosen = choice(&utilities, self.world.customers[round]);
        self.target.push(&rows, chosen, 1.0)?;
        if is_exploring && self.arm.policy == Policy::Exploring {
            self.explored.push(&rows, chosen, 1.0)?;
        }
        if self.arm.policy == Policy::OnlineNewton && round >= self.target.width() {
            let mut last = Choices::new(self.target.width(), true);
            last.push(&rows, chosen, 1.0)?;
            let mut slope = vec![0.0; self.nu.len()];
            last.loss(&self.nu, &mut slope);
            self.information = &self.information + &last.fisher(&self.nu);
            let right = Array1::from(slope).insert_axis(Axis(1));
            if let Some(step) = solve_positive(&self.information, &right) {
                self.nu.iter_mut().zip(step.iter()).for_each(|(v, s)| *v -= s);
            }
            let mut fisher = self.information.clone();
            fisher.diag_mut().iter_mut().for_each(|entry| *entry -= LEAST_INFORMATION);
            self.set_radii(&fisher, 0.0);
            self.played.estimates += 1;
        }
        Ok(())
    }
}
