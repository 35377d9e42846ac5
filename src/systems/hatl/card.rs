//! What the system's page says.

use crate::systems::card::{Card, Claim};

/// The card.
pub static CARD: Card = Card {
    paper: "N. Shahin, L. Ismail, HATL: Hierarchical Adaptive-Transfer Learning Framework for Sign Language Machine \
            Translation, 2026, [arXiv:2603.19260](https://arxiv.org/abs/2603.19260)",
    question: "With few sentences and a backbone that knows another task: should all of it be tuned, none, or one block after \
               the other, whenever the validation metric stands still near its best?",
    data: "Films of 14 joints in the plane, drawn from a seed: 24 gross motions to learn from first, then sentences of 3 to 6 of \
           32 signs (shape, place, movement, hands) in topic-comment order with their English text.",
    arms: &[
        ("hatl", "blocks are released from the translator down when the dev metric stands near its best"),
        ("no_restore, one_rate, bottom_up, fixed", "hatl without one of its parts"),
        ("frozen, full", "the backbone stays as it is; everything moves from the start"),
        ("gradual, chain_thaw, layer_rates", "schedules that know the epoch alone"),
        ("scratch", "no source"),
    ],
    claims: &[Claim {
        what: "BLEU and ROUGE-L equal those of sacrebleu and rouge-score",
        published: "–",
        measured: "equal (tests/hatl_system.rs)",
        holds: true,
    }],
    choices: &["The paper's tables were not available: constants are reconstructed."],
    full_run: "`qgraft run hatl --full --threads 1`; kept in docs/results/hatl.json",
};
