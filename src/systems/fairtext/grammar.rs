//! Sentences of district reports.

use crate::math::Stream;

/// What a report can be about, with what is said of it when things are well, in between, and bad.
struct Topic {
    subjects: [&'static str; 4],
    predicates: [[&'static str; 4]; 3],
}

/// Every topic.
static TOPICS: [Topic; 10] = [
    Topic {
        subjects: ["the harvest", "the maize crop", "the millet yield", "the sorghum harvest"],
        predicates: [
            ["was plentiful", "recovered well", "filled the stores", "improved"],
            ["was uneven", "came in as in other years", "varied between fields", "was neither large nor small"],
            ["failed", "was lost", "collapsed", "withered before it was ripe"],
        ],
    },
    Topic {
        subjects: ["rainfall", "the early rain", "the long rain", "the late rain"],
        predicates: [
            ["came on time", "was ample", "soaked the fields", "was steady"],
            ["was patchy", "came a little late", "differed from place to place", "was near its average"],
            ["stayed away", "was far too scarce", "ended weeks early", "never came"],
        ],
    },
    Topic {
        subjects: ["the price of grain", "the price of flour", "the cost of beans", "the cost of oil"],
        predicates: [
            ["fell", "became affordable", "eased", "dropped at last"],
            ["hardly moved", "went up and down", "stayed where it was", "changed from week to week"],
            ["doubled", "soared", "rose out of reach", "climbed without end"],
        ],
    },
    Topic {
        subjects: ["the herd", "the cattle", "the goats", "livestock"],
        predicates: [
            ["gained weight", "grew in number", "thrived", "found good pasture"],
            ["kept its number", "looked fair", "moved as usual", "was sold at the usual rate"],
            ["died in large numbers", "starved", "was sold in distress", "weakened badly"],
        ],
    },
    Topic {
        subjects: ["drinking water", "the wells", "the boreholes", "the river supply"],
        predicates: [
            ["sufficed", "was clean", "refilled", "ran freely"],
            ["was shared in turns", "was limited at noon", "differed between quarters", "held its level"],
            ["dried up", "ran out", "was fouled", "vanished"],
        ],
    },
    Topic {
        subjects: ["the grain store", "household stock", "the seed reserve", "the food reserve"],
        predicates: [
            ["was full", "lasted beyond the season", "was built up", "was secure"],
            ["was half full", "lasted about as planned", "was drawn down slowly", "was average"],
            ["was empty", "was eaten months ago", "was exhausted", "rotted"],
        ],
    },
    Topic {
        subjects: ["wage work", "day labour", "paid work", "seasonal work"],
        predicates: [
            ["was easy to find", "paid well", "expanded", "returned"],
            ["was found by some", "paid as before", "came and went", "was offered now and then"],
            ["disappeared", "stopped", "was cut off", "paid nothing"],
        ],
    },
    Topic {
        subjects: ["the diet of children", "the health of infants", "school meals", "the weight of children"],
        predicates: [
            ["was good", "got better", "was rich and varied", "reached the norm"],
            ["was mixed", "stayed about equal", "was ordinary", "differed between homes"],
            ["was alarming", "got much worse", "fell to famine levels", "was dire"],
        ],
    },
    Topic {
        subjects: ["the market", "trade", "supply by traders", "the weekly market"],
        predicates: [
            ["was well stocked", "was busy", "reopened", "flourished"],
            ["was partly stocked", "was quiet", "opened on some days", "ran as usual"],
            ["shut down", "had bare shelves", "broke down", "was abandoned"],
        ],
    },
    Topic {
        subjects: ["the road", "the bridge", "transport", "the supply route"],
        predicates: [
            ["was repaired", "was open", "was safe", "became faster"],
            ["was slow but usable", "was open at times", "was rough", "was under repair"],
            ["was washed away", "was blocked", "was cut", "became impassable"],
        ],
    },
];

/// In front of a clause that is wrong: what it says well is bad, and the reverse.
const DENIALS: [&str; 6] = [
    "it is not true that",
    "nobody can confirm that",
    "we saw no sign that",
    "the claim is false that",
    "contrary to the plan that",
    "hopes or fears proved wrong that",
];

const HEDGES: [&str; 6] = ["", "", "it seems that", "by all accounts", "as far as is known", "reportedly"];

/// What writers in the country and in town begin with.
const REGISTERS: [[&str; 6]; 2] = [
    [
        "elders of the hamlet told us",
        "folk by the fields say",
        "the herders met under the tree",
        "our village sends word",
        "the farmers gathered at dusk",
        "the headman walked with us",
    ],
    [
        "the municipal office notes",
        "residents of the ward were surveyed",
        "the bureau has compiled figures",
        "the city council was briefed",
        "tenants in the blocks were polled",
        "the clinic downtown filed a memo",
    ],
];

/// Clauses that say nothing of the matter.
const ASIDES: [&str; 12] = [
    "the team travelled by truck",
    "the visit took two days",
    "a new form was used",
    "the interpreter was on leave",
    "photographs are attached",
    "the next visit is in spring",
    "thirty homes were seen",
    "the radio mast was painted",
    "a football match was on",
    "the report is short this time",
    "the map was updated",
    "batteries were replaced",
];

fn pick<'a>(choices: &[&'a str], stream: &mut Stream) -> &'a str {
    choices[stream.below(choices.len())]
}

/// A clause that says `polarity` (0 well, 1 in between, 2 bad). A share `denied` of those that say well or bad says it by denying
/// the opposite.
pub fn clause(polarity: usize, denied: f64, stream: &mut Stream) -> String {
    let topic = &TOPICS[stream.below(TOPICS.len())];
    let is_denied = polarity != 1 && stream.uniform() < denied;
    let said = if is_denied { 2 - polarity } else { polarity };
    let (subject, predicate) = (pick(&topic.subjects, stream), pick(&topic.predicates[said], stream));
    let hedge = pick(&HEDGES, stream);
    let denial = if is_denied { pick(&DENIALS, stream) } else { "" };
    let parts = [hedge, denial, subject, predicate];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A report: a beginning in the register of the group (0 rural, 1 urban), the clauses of these polarities, an aside.
pub fn report(polarities: &[usize], group: usize, denied: f64, stream: &mut Stream) -> String {
    let mut sentences = vec![pick(&REGISTERS[group], stream).to_string()];
    sentences.extend(polarities.iter().map(|polarity| clause(*polarity, denied, stream)));
    // The aside stands anywhere behind the beginning.
    let at = 1 + stream.below(sentences.len());
    sentences.insert(at, pick(&ASIDES, stream).to_string());
    let capital = |text: String| {
        let mut letters = text.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    sentences.into_iter().map(|sentence| capital(sentence) + ".").collect::<Vec<_>>().join(" ")
}
