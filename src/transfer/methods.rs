//! The table of transfer methods.

use crate::nn::{LayerGroups, NnError};
use crate::transfer::choice::{MOST, MOST_WHOLE};
use crate::transfer::penalty::{
    Adversary, Anchor, AndMask, Backdoor, Bottleneck, Coral, CoralForm, Counterfactual, Fishr, FrontDoor, GinIpa,
    GroupDro, Invariance, Kernels, Mmd, Parity,
};
use crate::transfer::schedule::{ChainThaw, Frozen, Full, Gradual, LayerRates, TrainableFraction};
use crate::transfer::{Compose, Distill, Hatl, LowRank, MethodRow, Need, Reinit, Rule, Selection, ShrinkPerturb};

/// Every transfer method.
pub static METHODS: &[MethodRow] = &[
    MethodRow {
        name: "full",
        doc: "All parameters at the full rate (fine-tuning; Yosinski et al. 2014, arXiv:1411.1792, section 2)",
        need: None,
        make: |_, _| Box::new(Full),
    },
    MethodRow {
        name: "frozen",
        doc: "The trunk stays as it is and nothing is kept below the head, which learns alone (arXiv:1411.1792, \
              section 2)",
        need: None,
        make: |groups, _| Box::new(Frozen::new(groups)),
    },
    MethodRow {
        name: "trainable_fraction",
        doc: "The head and, of the trunk, the uppermost tensors that hold at most this share of its parameters: numbers are \
              counted, not tensors (partial fine-tuning: Yosinski et al. 2014, arXiv:1411.1792)",
        need: None,
        make: |groups, given| {
            let mut method = TrainableFraction::new(groups);
            given.number("share", "share of the trunk's parameters", 0.0..=1.0, &mut method.fraction);
            Box::new(method)
        },
    },
    MethodRow {
        name: "gradual",
        doc: "One more layer from the head down each epoch (Howard & Ruder 2018, arXiv:1801.06146, section 3.3)",
        need: None,
        make: |groups, given| {
            let mut method = Gradual::new(groups);
            given.whole("every", "epochs between releases", 1..=MOST_WHOLE, &mut method.every);
            Box::new(method)
        },
    },
    MethodRow {
        name: "chain_thaw",
        doc: "The head, then each layer alone from the input up, then everything (Felbo et al. 2017, \
              arXiv:1708.00524, chain-thaw)",
        need: None,
        make: |groups, given| {
            let mut method = ChainThaw::new(groups);
            given.whole("every", "epochs of each stage", 1..=MOST_WHOLE, &mut method.every);
            Box::new(method)
        },
    },
    MethodRow {
        name: "hatl",
        doc: "A layer is released when the metric is on a plateau near its best: |M - mean_k M| <= D and |M - best| <= t \
              (Shahin & Ismail 2026, arXiv:2603.19260)",
        need: None,
        make: |groups, given| {
            let mut rule = Rule::default();
            given
                .whole("window", "epochs in the running mean", 1..=MOST_WHOLE, &mut rule.window)
                .whole("warm_up", "epochs before the first that counts", 0..=MOST_WHOLE, &mut rule.warm_up)
                .whole("patience", "epochs in a row that must count", 1..=MOST_WHOLE, &mut rule.patience)
                .whole("cooldown", "epochs after a release in which none counts", 0..=MOST_WHOLE, &mut rule.cooldown)
                .number("plateau", "D", 0.0..=MOST, &mut rule.plateau)
                .number("near_best", "t", 0.0..=MOST, &mut rule.near_best)
                .number("floor", "least score for a release", -MOST..=MOST, &mut rule.floor)
                .number("ratio", "rate of a layer, in rates of the one above", 0.0..=1.0, &mut rule.ratio);
            Box::new(Hatl::new(groups, rule))
        },
    },
    MethodRow {
        name: "layer_rates",
        doc: "Each layer has 1/2.6 of the rate of the one above: r_(l-1) = r_l / 2.6 (arXiv:1801.06146, section 3.2)",
        need: None,
        make: |groups, given| {
            let mut method = LayerRates::new(groups);
            given.number("ratio", "rate of a layer, in rates of the one above", 0.0..=1.0, &mut method.ratio);
            Box::new(method)
        },
    },
    MethodRow {
        name: "reinit",
        doc: "The weights whose deletion would change the loss least, lowest |w g|, are drawn anew before fine-tuning \
              (Coetzer et al. 2026, arXiv:2603.20860; utilities of Hernandez-Garcia et al. 2025, arXiv:2508.00212)",
        need: None,
        make: |groups, given| {
            let (mut method, mut share) = (Reinit::new(groups), 0.1);
            given
                .number("share", "share of the weights of each layer", 0.0..=1.0, &mut share)
                .whole("head_first", "epochs of the head alone before it", 0..=MOST_WHOLE, &mut method.head_first)
                .whole("batches", "batches whose gradients are averaged", 1..=MOST_WHOLE, &mut method.batches);
            Box::new(Reinit { selection: Selection::Share(share), ..method })
        },
    },
    MethodRow {
        name: "shrink_perturb",
        doc: "Every weight of the trunk is halved and a little of a fresh one added before fine-tuning: a w + b init (after Ash \
              & Adams 2020, arXiv:1910.08475, section 4, who add normal noise)",
        need: None,
        make: |groups, given| {
            let mut method = ShrinkPerturb::new(groups);
            given
                .number("keep", "a", 0.0..=1.0, &mut method.keep)
                .number("noise", "b", 0.0..=1.0, &mut method.noise)
                .whole("head_first", "epochs of the head alone before it", 0..=MOST_WHOLE, &mut method.head_first);
            Box::new(method)
        },
    },
    MethodRow {
        name: "l2_sp",
        doc: "The trunk is tied to its start and the head to 0: a/2 |w - w0|^2 + b/2 |v|^2 (Li et al. 2018, \
              arXiv:1802.01483, section 3)",
        need: None,
        make: |groups, given| {
            let mut method = Anchor::new(groups);
            given.number("trunk", "a", 0.0..=MOST, &mut method.trunk).number("head", "b", 0.0..=MOST, &mut method.head);
            Box::new(method)
        },
    },
    MethodRow {
        name: "distill",
        doc: "The network's answers stay near a teacher's, by default its own at the start: T^2 KL of softened outputs \
              (Hinton et al. 2015, arXiv:1503.02531, section 2; Li & Hoiem 2016, arXiv:1606.09282)",
        need: Some(Need::Classes),
        make: |_, given| {
            let mut method = Distill::default();
            given.number("temperature", "T", 1e-3..=1e3, &mut method.temperature).weight(&mut method.weight);
            Box::new(method)
        },
    },
    MethodRow {
        name: "lora",
        doc: "The trunk stays; each of its matrices gets a trained product of two thin ones: W + a/r B A (Hu et al. \
              2021, arXiv:2106.09685, eq. 3)",
        need: None,
        make: |groups, given| {
            let mut method = LowRank::new(groups);
            given.whole("rank", "r", 1..=4096, &mut method.rank).number("alpha", "a", 0.0..=MOST, &mut method.alpha);
            Box::new(method)
        },
    },
    MethodRow {
        name: "mmd",
        doc: "Features of the domains are aligned under a bank of Gaussian kernels: MMD^2 (Gretton et al. 2012, JMLR \
              13:723, eq. 5; as a penalty Long et al. 2015, arXiv:1502.02791)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Mmd::default();
            given.weight(&mut method.weight);
            Box::new(method)
        },
    },
    MethodRow {
        name: "mmd_quantum",
        doc: "As mmd with a fidelity of four-qubit states, |<f(x)|f(y)>|^2, for the middle kernel (kernels of states: Havlicek \
              et al. 2019, arXiv:1804.11326)",
        need: Some(Need::Domains),
        make: |_, given| {
            let (mut method, mut qubits) = (Mmd::default(), 4);
            given.weight(&mut method.weight).whole("qubits", "qubits of the states", 1..=6, &mut qubits);
            Box::new(Mmd { kernels: Kernels::Fidelity { qubits }, ..method })
        },
    },
    MethodRow {
        name: "coral",
        doc: "Features of the domains have one covariance: |C_s - C_t|^2 / (4 d^2) (Sun & Saenko 2016, \
              arXiv:1607.01719, eq. 1)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Coral::default();
            given.weight(&mut method.weight);
            Box::new(method)
        },
    },
    MethodRow {
        name: "coral_means",
        doc: "Features of the domains have one mean and one covariance: mean squares of both differences (CORAL in DomainBed, \
              Gulrajani & Lopez-Paz 2021, arXiv:2007.01434)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Coral { form: CoralForm::MeansAndCovariances, ..Coral::default() };
            given.weight(&mut method.weight);
            Box::new(method)
        },
    },
    MethodRow {
        name: "group_dro",
        doc: "The loss is the sum of q_e R_e over domains and q_e grows by e^(s R_e) in every step: the worst domain \
              counts most (Sagawa et al. 2020, arXiv:1911.08731, algorithm 1)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = GroupDro::default();
            given.number("step", "s", 0.0..=1.0, &mut method.step);
            Box::new(method)
        },
    },
    MethodRow {
        name: "irm",
        doc: "The classifier is optimal in every domain: mean_e (dR_e(w f)/dw at w = 1)^2 (Arjovsky et al. 2019, \
              arXiv:1907.02893, IRMv1)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Invariance::irm();
            given.weight(&mut method.weight).from(&mut method.from);
            Box::new(method)
        },
    },
    MethodRow {
        name: "v_rex",
        doc: "Domains are learned equally well: the variance of their losses (Krueger et al. 2021, arXiv:2003.00688, \
              V-REx)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Invariance::v_rex();
            given.weight(&mut method.weight).from(&mut method.from);
            Box::new(method)
        },
    },
    MethodRow {
        name: "irm_unbiased",
        doc: "As irm, the square as a product of the derivatives on every other row: not biased over batches (IRM in \
              DomainBed, arXiv:2007.01434)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Invariance::irm_unbiased();
            given.weight(&mut method.weight).from(&mut method.from);
            Box::new(method)
        },
    },
    MethodRow {
        name: "ib_irm",
        doc: "irm, and features of little variance in every domain (Ahuja et al. 2021, arXiv:2106.06607)",
        need: Some(Need::Domains),
        make: |_, given| {
            let (mut irm, mut bottleneck) = (Invariance::irm(), Bottleneck::default());
            given.weight(&mut irm.weight).from(&mut irm.from).number(
                "bottleneck",
                "factor on the variance of features, from the start",
                0.0..=MOST,
                &mut bottleneck.weight,
            );
            Box::new(Compose(vec![Box::new(irm), Box::new(bottleneck)]))
        },
    },
    MethodRow {
        name: "fishr",
        doc: "The gradients of the last layer have one variance in every domain: mean_e |v_e - mean v|^2 / size (Rame et \
              al. 2022, arXiv:2109.02934, eq. 4)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Fishr::default();
            given.weight(&mut method.weight).from(&mut method.from).number(
                "decay",
                "of an average of the variances over steps; 0 is none",
                0.0..=0.999,
                &mut method.decay,
            );
            Box::new(method)
        },
    },
    MethodRow {
        name: "and_mask",
        doc: "A step follows the entries of the gradient alone whose signs agree over domains: |mean_e sign g_e| >= t \
              (Parascandolo et al. 2021, arXiv:2009.00329)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = AndMask::default();
            given.number("threshold", "t; 1 is all domains", 0.0..=1.0, &mut method.threshold);
            Box::new(method)
        },
    },
    MethodRow {
        name: "backdoor",
        doc: "Adjusts for the domain as a confounder: learns sum_c P(y|x,c) P(c), by a read-out with an offset for each \
              domain (Pearl 2009, Causality, theorem 3.3.2)",
        need: Some(Need::Domains),
        make: |_, given| {
            let (mut method, mut uniform) = (Backdoor::default(), 0);
            given.whole("uniform", "1 counts every domain alike, 0 by its rows: P(c)", 0..=1, &mut uniform);
            method.is_uniform = uniform == 1;
            Box::new(method)
        },
    },
    MethodRow {
        name: "front_door",
        doc: "Adjusts for an unseen confounder through the features m: learns sum_x' P(y|x',m) P(x') over inputs x' of \
              other rows (Pearl 2009, Causality, theorem 3.3.4)",
        need: Some(Need::Classes),
        make: |_, given| {
            let mut method = FrontDoor::default();
            given.whole("contexts", "inputs x' for each row", 1..=1000, &mut method.contexts).whole(
                "hidden",
                "width of the read-out's layer",
                1..=4096,
                &mut method.hidden,
            );
            Box::new(method)
        },
    },
    MethodRow {
        name: "gin_ipa",
        doc: "Learns on two views through random networks, blended by a smooth map, and says the same of both: w KL(view, \
              mean) (Ouyang et al. 2022, arXiv:2111.12525)",
        need: Some(Need::Classes),
        make: |_, given| {
            let mut method = GinIpa::default();
            given.number("weight", "w", 0.0..=MOST, &mut method.weight).number(
                "spacing",
                "control points of the map, in longer edges",
                1e-3..=1.0,
                &mut method.spacing,
            );
            Box::new(method)
        },
    },
    MethodRow {
        name: "counterfactual",
        doc: "Learns on each row and on the row as another domain would have it, x' = (x - b_e) a_e'/a_e + b_e', and says \
              the same of both (Pearl 2009, Causality, theorem 7.1.7)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Counterfactual::default();
            given.number("weight", "factor on the divergence of the two", 0.0..=MOST, &mut method.weight);
            Box::new(method)
        },
    },
    MethodRow {
        name: "parity",
        doc: "The answers say nothing of the domain, here a group of people: sum_c (mean_a p_c - mean_b p_c)^2 (demographic parity; \
              after Beutel et al. 2019, arXiv:1901.04562)",
        need: Some(Need::Domains),
        make: |_, given| {
            let (mut method, mut on_features) = (Parity::default(), 0);
            given.number("weight", "factor on the penalty", 0.0..=MOST, &mut method.weight).whole(
                "features",
                "1: means of features in place of probabilities",
                0..=1,
                &mut on_features,
            );
            method.on_features = on_features == 1;
            Box::new(method)
        },
    },
    MethodRow {
        name: "adversarial",
        doc: "A classifier of domains learns on the features while they learn to defeat it, through a reversed gradient \
              (Ganin et al. 2016, arXiv:1505.07818, section 4)",
        need: Some(Need::Domains),
        make: |_, given| {
            let mut method = Adversary::default();
            given.number("weight", "factor on the reversed gradient", 0.0..=MOST, &mut method.weight).whole(
                "hidden",
                "width of the classifier's layer",
                1..=4096,
                &mut method.hidden,
            );
            Box::new(method)
        },
    },
];

impl Compose {
    /// The methods of these names, each with its usual constants.
    ///
    /// # Errors
    /// If a name is not in the table.
    pub fn named<S: AsRef<str>>(names: &[S], groups: &LayerGroups) -> Result<Self, NnError> {
        let make = |name: &S| Ok(MethodRow::named(name.as_ref())?.method(groups));
        Ok(Self(names.iter().map(make).collect::<Result<_, NnError>>()?))
    }
}
