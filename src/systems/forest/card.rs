//! What the system's page says.

use crate::systems::card::{Card, Claim};

/// The card.
pub static CARD: Card = Card {
    paper: "M.-L. Sung, J. Silovsky, M.-H. Siu, H. Gish, C. Pittapally, \"Neural network conversion of machine learning \
            pipelines\", 2026, [arXiv:2603.25699](https://arxiv.org/abs/2603.25699)",
    question: "Can a small network stand in for a random forest, by imitation or by exact conversion?",
    data: "scikit-learn's iris, wine and breast cancer (BSD) are inside the program; `--data` reads a CSV, KEEL .dat or \
           Parquet file (the last with the feature `parquet`) or a folder of them, and data/tables/keel.sh fetches 43 tables of KEEL.",
    arms: &[
        ("hard", "a network on the labels, without the forest"),
        ("soft", "on what the forest says of its training rows"),
        ("out_of_bag", "on what the trees say that did not see the row"),
        ("synthetic", "soft, and twice as many made-up rows that the forest labels"),
        (
            "mixed",
            "soft, and twice as many rows mixed from nearest neighbours (MUNGE); only when asked for, by `--targets`",
        ),
        ("pipeline", "a network behind up to eight principal components, which stay or are trained along"),
        ("network", "the forest itself as three layers, with steps or with sigmoids and trained on"),
        ("--head quantum", "a circuit as the student, the first of the networks beside it"),
    ],
    claims: &[
        Claim {
            what: "largest difference of a probability, matrix form or network with steps against nodes: at most 1e-12",
            published: "exact (reconstructed)",
            measured: "1.39e-14 (three tables: 2.22e-15), both against forests grown here. Against scikit-learn's: two \
                       tables, 8 trees, 20 rows, 1e-12 as matrices, 1e-11 as network (tests/it/forest.rs)",
            holds: true,
        },
        Claim {
            what: "mean share of rows on which the network with sigmoids has the forest's class: at least 0.995",
            published: "– (reconstructed)",
            measured: "0.9947 (three tables: 0.9953)",
            holds: false,
        },
        Claim {
            what: "mean change of its accuracy by joint training: at least -0.005",
            published: "– (reconstructed)",
            measured: "0.0109 (three tables: 0.00243)",
            holds: true,
        },
        Claim {
            what: "share of tasks whose log-loss joint training lowers: at least 0.6",
            published: "– (reconstructed)",
            measured: "0.651 (three tables: 0.6)",
            holds: true,
        },
        Claim {
            what: "median KL from the forest: synthetic over hard: at most 0.35",
            published: "0.15 (pilot on 43 tables, measured elsewhere)",
            measured: "0.136 (three tables: 0.166)",
            holds: true,
        },
        Claim {
            what: "share of tasks on which synthetic is nearer to the forest than hard: at least 0.95",
            published: "1 (pilot, measured elsewhere)",
            measured: "1 (three tables: 1)",
            holds: true,
        },
        Claim {
            what: "mean agreement with the forest, synthetic over hard: at least 0.01",
            published: "0.012 (pilot, measured elsewhere)",
            measured: "0.0368 (three tables: 0.0118)",
            holds: true,
        },
        Claim {
            what: "share of tasks on which the student chosen on validation loses at most 0.01 accuracy to the forest: at least 0.75",
            published: "the majority of tasks (published); 0.72 (pilot)",
            measured: "0.767: 33 of 43, 21 of the 24 with 400 rows or more to learn from (three tables: 0.733; cut to 1,000 rows, 100 \
                       trees and 40 epochs 0.721)",
            holds: true,
        },
        Claim {
            what: "mean change of accuracy from the forest to the chosen student: at least -0.005",
            published: "– (reconstructed)",
            measured: "0.00363 (three tables: 0.00413)",
            holds: true,
        },
        Claim {
            what: "a student chosen by a forest over descriptions of other tables loses at most half the agreement that the one \
                   best on average there loses (leaving one table out); failing that, at most as much",
            published: "forests choose hyper-parameters (published, no figure)",
            measured: "1.04 ×: 0.0073 against 0.0071, equal or better on 32 of 43. Validation among its first three: 0.0068 (0.96 ×), \
                       among all twelve: 0.0149; by chance: 0.0347",
            holds: false,
        },
        Claim {
            what: "share of tasks whose log-loss is lower with a linear stage trained together with the student than left alone: \
                   at least 0.6",
            published: "– (reconstructed)",
            measured: "0.79; mean log-loss 0.414 against 0.454 nats",
            holds: true,
        },
        Claim {
            what: "--head quantum: synthetic targets in place of labels lower the median KL of a circuit by as large a factor as that of \
                   the network beside it",
            published: "– (hypothesis: a small circuit can fit a smooth target)",
            measured: "0.128 to 0.043 (2.97 ×) against 0.421 to 0.039 (10.9 ×): on labels the circuit overfits less, so there is less \
                       to mend. Its accuracy: 0.964 on labels, 0.973 soft, 0.960 synthetic (forest 0.955, network 0.950, \
                       0.945, 0.952), differences no larger than their spread",
            holds: false,
        },
        Claim {
            what: "--head quantum: and raise its agreement with the forest at least as much",
            published: "– (hypothesis)",
            measured: "+0.0168 (0.953 to 0.970) against +0.0074 (0.970 to 0.977): by table and seed they differ by 0.009 ± \
                       0.046, no evidence; the network stays ahead",
            holds: true,
        },
    ],
    full_run: "`sh data/tables/keel.sh keel && qgraft run forest --full --data keel --seeds 1`: all 43 tables of KEEL under one seed, \
               at most 4,000 rows to learn from, 300 trees, up to 200 epochs (eight minutes on two cores); in brackets `qgraft run forest --full --seeds 5` on the three tables inside the program; the circuit with `qgraft run \
               forest --tables iris,wine --head quantum --targets hard,soft,synthetic --rate 0.01 --epochs 150 --seeds 3`, two tables \
               only; all kept in docs/results/forest.json",
    choices: &[
        "The method is reconstructed from the paper's abstract and from the literature it stands in; the 100 tasks of the paper \
         are not known.",
        "One split per seed: 30 % of the rows to judge on, 20 % of the others to choose on. The forest and the students learn \
         from the same rows, at most 4000. There are no folds, and on KEEL one seed: a small table says little. The first \
         student (2 × 128) on synthetic targets is there more accurate than the forest on 22 tables, as accurate on 7, less \
         on 14; with fewer than 400 rows to learn from on 6, 4 and 9.",
        "Not measured: temperatures other than 1, labels mixed into the loss, four hidden layers (fields of the spec, without \
         a flag). Not built: a circuit distilled into a network.",
        "Choosing is by validation accuracy among 4 targets × 3 shapes. The forest that chooses by other tables (200 trees, the \
         paper's idea, its design ours) learns how much more than the mean student of its task each one agrees, from eleven \
         numbers that describe a task; with fewer than ten tables it is left out.",
        "The linear stage starts as min(8, half of the columns) principal components; both pipelines learn the forest's answers \
         to its training rows from the same start, for as long.",
        "The circuit is re-uploading on four qubits, three layers; at the rate of the networks, 0.001, it had learned little after \
         60 epochs, so both were given 0.01 and 150.",
        "Rows mixed from neighbours do as well as rows with values swapped in, no better: on the three tables, two seeds \
         (`qgraft run forest --targets soft,synthetic,mixed --seeds 2 --epochs 40`), 2 × 128, median KL 0.047 against 0.050, agreement \
         0.973 against 0.981; soft alone 0.063 and 0.920.",
        "Probabilities below 1e-3 are raised to it where students learn from them, since forests say exact zeros.",
        "The network that is trained on is that of a smaller forest, 30 trees of depth 6, with sigmoids of steepness 100 and 10; \
         thresholds, leaves and values move, the column a split reads stays.",
    ],
};
