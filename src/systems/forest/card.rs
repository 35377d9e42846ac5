//! What the system's page says.

use crate::systems::card::{Card, Claim};

/// The card.
pub static CARD: Card = Card {
    paper: "M.-L. Sung, J. Silovsky, M.-H. Siu, H. Gish, C. Pittapally, \"Neural network conversion of machine learning \
            pipelines\", 2026, [arXiv:2603.25699](https://arxiv.org/abs/2603.25699)",
    question: "Can a small network stand in for a random forest, by imitation or by exact conversion?",
    data: "scikit-learn's iris, wine and breast cancer (BSD) are inside the program; `--data` reads a CSV or KEEL .dat file or \
           a folder of them, and data/tables/keel.sh fetches 43 tables of KEEL.",
    arms: &[
        ("hard", "a network on the labels, without the forest"),
        ("soft", "on what the forest says of its training rows"),
        ("out_of_bag", "on what the trees say that did not see the row"),
        ("synthetic", "soft, and twice as many made-up rows that the forest labels"),
        ("network", "the forest itself as three layers, with steps or with sigmoids and trained on"),
    ],
    claims: &[Claim {
        what: "matrix form and network equal the forest to 1e-12",
        published: "exact (reconstructed)",
        measured: "see the run",
        holds: true,
    }],
    full_run: "`qgraft run forest`",
    choices: &[
        "The method is reconstructed from the paper's abstract and from the literature it stands in; the 100 tasks of the paper \
         are not known.",
        "One split per seed: 30 % of the rows to judge on, 20 % of the others to choose on. The forest and the students learn \
         from the same rows, at most 4000.",
        "Choosing is by validation accuracy among 4 targets × 3 shapes; choosing by a second forest over descriptions of tasks, \
         which the paper also does, and training a linear stage together with the student are not there yet.",
        "Probabilities below 1e-3 are raised to it where students learn from them, since forests say exact zeros.",
        "The network that is trained on is that of a smaller forest, 30 trees of depth 6, with sigmoids of steepness 100 and 10.",
    ],
};
