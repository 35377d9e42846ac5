//! What the system's page says.

use crate::systems::card::{Card, Claim};

/// The card.
pub static CARD: Card = Card {
    paper: "X. Coetzer, A. Schreuder, A. S. Bosman, \"Restoring neural network plasticity for faster transfer learning\", 2026, \
            [arXiv:2603.20860](https://arxiv.org/abs/2603.20860)",
    question: "Does a network that has learned something else learn faster when its least useful weights are drawn anew before \
               fine-tuning, and does it matter which?",
    data: "scikit-learn's digits (BSD, inside the program) after tasks with random labels, without or with a useful task behind \
           them; and drawn pictures, shapes with textures first, other shapes or line drawings and spectrograms afterwards.",
    arms: &[
        (
            "gradient, magnitude, random",
            "what low utility is: the size of w ḡ with ḡ the mean gradient, the size of w, chance",
        ),
        ("n %, ≤ t mean", "so many weights of each matrix, or all with at most t times the mean utility"),
        (
            "resample, zero, matched",
            "a draw from the initial distribution, 0, a draw as large as the weights that stay",
        ),
        ("first layers, last layers", "only that third of the trunk"),
        ("plain; slower, faster", "fine-tuning as usual; at 0.3 and 3 times the rate"),
        ("scratch, frozen, last_layer", "no source; the head alone; the last layer drawn anew"),
        ("shrink_perturb, wake_units", "every weight shrunk and perturbed; dormant units reset"),
    ],
    claims: &[
        Claim {
            what: "random_labels: share of dormant units after the source, over that of a fresh network: at least 2",
            published: "3.0 (0.51 over 0.17: pilot, measured elsewhere)",
            measured: "8.88",
            holds: true,
        },
        Claim {
            what: "random_labels: area of scratch over plain fine-tuning (\"far below\" read as 0.2): at least 0.2",
            published: "0.45 (pilot, measured elsewhere)",
            measured: "0.476",
            holds: true,
        },
        Claim {
            what: "random_labels: share of that gap which gradient 30 % resample closes: at least 0.6",
            published: "0.85 (pilot, measured elsewhere)",
            measured: "1.04; with five epochs of the head first 0.84",
            holds: true,
        },
        Claim {
            what: "random_labels: area of gradient over random, both 30 % resample: at least 0",
            published: "0.049 (pilot, measured elsewhere)",
            measured: "0.252",
            holds: true,
        },
        Claim {
            what: "random_labels: area of gradient over magnitude, both 30 % resample: at least 0",
            published: "0.311 (pilot, measured elsewhere)",
            measured: "0.473",
            holds: true,
        },
        Claim {
            what: "useful_source: area of gradient 30 % resample over plain, in standard errors of the paired difference: at least 2",
            published: "3.1 (pilot, measured elsewhere)",
            measured: "4.86; with five epochs of the head first 4.46",
            holds: true,
        },
        Claim {
            what: "useful_source: area of gradient over random, both 30 % resample, in standard errors: at least 5",
            published: "≥ 5 (reconstructed)",
            measured: "5.76; with five epochs of the head first 5.34 (on another processor 4.80)",
            holds: true,
        },
        Claim {
            what: "far: epochs in which gradient 10 % resample comes to plain's last accuracy, over those in which plain does: at most 0.8",
            published: "faster convergence (abstract, no figure)",
            measured: "0.783 (five seeds): 18 of 23; but by chance 16, plain at 3 times the rate 14. With three seeds of the whole grid 0.88",
            holds: true,
        },
        Claim {
            what: "far: last accuracy of gradient 10 % resample over plain: at least 0",
            published: "higher accuracy (abstract, no figure)",
            measured: "0.003 (five seeds, standard error 0.006); three seeds 0.001",
            holds: true,
        },
        Claim {
            what: "near: the same: at least -0.005",
            published: "– (reconstructed)",
            measured: "0.004 (five seeds); three seeds 0.002",
            holds: true,
        },
        Claim {
            what: "far: area of gradient or magnitude, whichever is ahead, over random, all 10 % resample, in standard errors: at least 1",
            published: "– (reconstructed)",
            measured: "0.30 (five seeds); three seeds 2.1",
            holds: false,
        },
        Claim {
            what: "Under a quantum head, drawing its least active angles anew beats as many by chance, and plain",
            published: "– (the variant is ours)",
            measured: "areas with 30 %: random_labels 0.152 ± 0.058 against 0.138 ± 0.034 and 0.130 ± 0.036 (scratch 0.360 ± 0.049), \
                       useful_source 0.290 ± 0.089 against 0.236 ± 0.059 and 0.288 ± 0.087 (five seeds): no evidence; 1 % and none of \
                       its angles are dormant",
            holds: false,
        },
        Claim {
            what: "processor time of choosing by gradient and replacing, over that of the fine-tuning: at most 0.02",
            published: "negligible (abstract, no figure)",
            measured: "0.017 and 0.022 on digits (ten seeds), 0.025 and 0.027 on near and far pictures (three): choosing costs an epoch of \
                       so few rows, judging left out",
            holds: false,
        },
    ],
    choices: &[
        "The paper is known by its abstract: utilities, selections and values are those of selective weight reinitialisation \
         (arXiv:2508.00212); the procedure around them, the data and every bound are reconstructed.",
        "All arms get one epoch of the head alone and the same number of epochs after it; the scratch arm moves everything from \
         the start. Every arm of a seed starts from the same source network and the same new head.",
        "Digits are standardised pixel by pixel and learned at a rate of 0.15 in batches of 32: with this the plain and the scratch \
         arm have areas like those of the pilot (0.32 and 0.80; 0.38 and 0.83). A trial with unstandardised pixels at 0.05 lost little plasticity.",
        "Networks on pictures are small (12×12 pixels, convolutions of 8, 16, 32 channels) so that a run takes a minute; their \
         vision transformer is not there. Gradients are averaged over 8 batches, running statistics see 16 batches afterwards.",
        "The share judged on pictures, 10 %, was fixed before the runs. Plain fine-tuning is also run at 0.3 and 3 times its rate: \
         on digits neither comes near the gradient arm, on pictures 3 times the rate is ahead of every reset, so what is \
         missing there is a better rate and not plasticity: no unit of those networks is dormant. In the whole grid there (three \
         seeds) no cell comes to the area of 3 times the rate (0.611 near, 0.726 far; plain 0.584 and 0.700, best cells 0.593 and \
         0.707), and halves of the rows choose apart (Jaccard 0.43 at most at 10 % and less).",
        "The whole grid on digits (ten seeds, area under the curve): chosen by gradient, any share from 1 % on is ahead of plain \
         and of as many by chance by at least two standard errors (resample, matched); 30 % comes to 0.817 after random labels \
         (plain 0.319, magnitude 0.344, chance 0.565, scratch 0.795) and to 0.836 after a useful source (0.734, 0.737, 0.735, \
         0.646). Zeros gain less (0.655 and 0.784 at 30 %). Thresholds serve as well as shares, best with values that match what stays (0.850 \
         and 0.843 at 0.01 means, which takes 73 and 69 % of the weights). A third of the layers alone, first or last, gains nothing.",
        "Area is speed: after random labels the last accuracy of the gradient arm is 0.913, that of scratch 0.929 (1.6 ± 0.4 points \
         more); after a useful source 0.895 and 0.883.",
        "One epoch of the head is ten and five steps, after which it is near chance: gradients might be noise. With five epochs \
         (`--head-epochs 5`) every statement on digits holds as well, and two halves of the rows choose alike (Jaccard 0.76 to \
         0.92) either way.",
        "Waking dormant units does nearly as well as the gradient arm on digits (areas 0.790 and 0.808 against 0.817 and 0.836), but \
         touches 80 and 66 % of the weights where the latter replaces 30 %.",
        "A threshold is not capped: the share that was replaced stands in the report.",
        "With a circuit as head (`--head quantum`) the source is learned through it as well and the circuit goes along; besides \
         the weights of the trunk its least active angles are drawn anew within 0.1 of 0, beside as many by chance and a fresh \
         circuit. Activity of an angle is the larger of |dL/dθ| and the quantum Fisher diagonal, each over its mean: the size of \
         an angle tells nothing. Four qubits tell ten digits apart badly: what a source of random labels takes away there, drawing \
         weights of the trunk anew does not give back (3 % of the gap to scratch, against all of it under a linear head), and \
         after a useful source choosing them by gradient is behind chance by 2.9 standard errors.",
        "The same seeds on another processor, with other roundings, gave 4.80 standard errors where 5.76 stand above, and an \
         area of 0.339 for plain after random labels where it is 0.319 here: 25 tasks of random labels at a rate of 0.15 make \
         much of a last digit. On one processor a run repeats bit for bit. The quantum head was measured on the other.",
        "Continual backpropagation and L2 towards the initial values are not there.",
    ],
    full_run: "`qgraft run plasticity --full --settings random_labels,useful_source` (125 arms, ten seeds), the same with \
               `--head-epochs 5`, `qgraft run plasticity --full --settings near,far --seeds 3` (a quarter of an hour on two cores), \
               `qgraft run plasticity --settings near,far --shares 0.1 --seeds 5`, for the quantum head `qgraft run plasticity --head \
               quantum --settings random_labels,useful_source --seeds 5`; kept in docs/results/plasticity.json",
};
