//! A simulated engine for SQL queries with a known optimum.
//!
//! Seconds of query q under configuration c on task t are
//! `a_q · r_tq · size_t · (1 + Σ_j b_qj (u_j − o_jqt)² · g_j + Σ_k p_qk + spill + coupling)`, times a lognormal factor. u_j is a
//! number's place in its range, o_jqt the best place for the query, g_j a factor that adaptive execution lowers for partitions,
//! p_qk what a choice costs. Spilling grows with the square of the memory that lacks. For given choices the sum over queries is
//! convex in u, so its least value is found by descent along coordinates, for each of the few choices that interact.

use crate::classic::tuning::{Configuration, Knob, Space, Values};
use crate::math::Stream;
use crate::systems::tuner::world::World;

/// Number of queries, as TPC-H has.
pub const QUERIES: usize = 22;
/// The tasks: name, size, cores, how far its best places are from those of the others, whether its preferences are reversed.
const TASKS: [(&str, f64, f64, f64, bool); 6] = [
    ("small", 0.4, 2.0, 0.05, false),
    ("medium", 1.0, 4.0, 0.05, false),
    ("large", 2.5, 8.0, 0.05, false),
    ("joins", 1.2, 4.0, 0.10, false),
    ("scans", 0.8, 2.0, 0.14, false),
    ("reversed", 1.0, 4.0, 0.05, true),
];
/// The task that no other is like.
pub const REVERSED: &str = "reversed";
/// Groups of queries with sensitivities in common.
const GROUPS: usize = 3;
/// Places of knobs that interact.
const PARTITIONS: usize = 0;
const ADAPTIVE: usize = 2;
const MAX_PARTITION: usize = 5;
const MEMORY_SHARE: usize = 6;
const DRIVER_MEMORY: usize = 12;
/// Share of the sensitivity to partitions that adaptive execution leaves, and what it costs a query itself.
const ADAPTIVE_LEFT: f64 = 0.35;
const ADAPTIVE_COST: f64 = 0.12;
/// The best places move by so much for e times as much data.
const MOVES: [(usize, f64); 4] =
    [(PARTITIONS, 0.10), (MAX_PARTITION, 0.06), (MEMORY_SHARE, 0.05), (DRIVER_MEMORY, 0.08)];
/// Place of share plus memory that a task of size 1 needs, and below which it fails.
const NEEDED: f64 = 0.8;
const FAILS: f64 = 0.22;
/// Seconds of a query that no data set makes smaller, of a mean query of size 1.
const OVERHEAD: f64 = 0.15;

/// Knobs with their weights; a weight of a choice is what its worse entries cost.
fn knobs() -> Vec<(Knob, f64)> {
    vec![
        (Knob::whole("shuffle_partitions", (1, 400), true, 200), 2.4),
        (Knob::whole("broadcast_threshold_mb", (0, 100), false, 10), 0.9),
        (Knob::choice("adaptive", &["off", "on"], 1), 0.0),
        (Knob::choice("coalesce_partitions", &["off", "on"], 1).only_if(ADAPTIVE, &[1]), 0.10),
        (Knob::choice("skew_join", &["off", "on"], 1).only_if(ADAPTIVE, &[1]), 0.06),
        (Knob::whole("max_partition_mb", (1, 512), true, 128), 0.8),
        (Knob::number("memory_fraction", (0.1, 0.9), false, 0.6), 0.9),
        (Knob::choice("codec", &["lz4", "snappy", "zstd"], 0), 0.15),
        (Knob::whole("columnar_batch", (500, 50_000), true, 10_000), 0.4),
        (Knob::choice("whole_stage_codegen", &["off", "on"], 1), 0.30),
        (Knob::choice("cost_based", &["off", "on"], 0), 0.12),
        (Knob::choice("prefer_sort_merge", &["off", "on"], 1), 0.25),
        (Knob::whole("driver_memory_gb", (1, 16), true, 4), 0.7),
        (Knob::number("locality_wait_s", (0.0, 10.0), false, 3.0), 0.03),
        (Knob::whole("shuffle_file_buffer_kb", (16, 1024), true, 32), 0.03),
        (Knob::whole("reducer_in_flight_mb", (8, 512), true, 48), 0.02),
        (Knob::choice("spill_compress", &["off", "on"], 1), 0.01),
        (Knob::choice("rdd_compress", &["off", "on"], 0), 0.01),
        (Knob::whole("network_timeout_s", (30, 600), false, 120), 0.0),
        (Knob::choice("speculation", &["off", "on"], 0), 0.02),
        (Knob::choice("serializer", &["java", "kryo"], 0), 0.02),
        (Knob::whole("default_parallelism", (1, 64), true, 8), 0.03),
        (Knob::whole("broadcast_block_mb", (1, 64), true, 4), 0.02),
        (Knob::whole("heartbeat_s", (1, 60), false, 10), 0.0),
        (Knob::whole("max_retries", (1, 8), false, 3), 0.0),
    ]
}

/// One task.
struct Task {
    size: f64,
    cores: f64,
    /// Repeats of each query.
    repeats: Vec<f64>,
    /// Best place of each knob for each query, before the size moves it.
    places: Vec<Vec<f64>>,
    /// The entry of each choice that costs nothing.
    preferred: Vec<usize>,
    optimum: f64,
}

/// The simulated engine.
pub struct Simulator {
    space: Space,
    names: Vec<String>,
    queries: Vec<String>,
    noise: f64,
    /// Seconds of each query of size 1 under the best configuration.
    base: Vec<f64>,
    /// Sensitivity of each query to each knob.
    sensitivity: Vec<Vec<f64>>,
    loads: Vec<Vec<f64>>,
    tasks: Vec<Task>,
}

impl Simulator {
    /// An engine that is drawn anew for each seed, with the standard deviation of the logarithm of a time.
    pub fn new(seed: u64, noise: f64) -> Self {
        let mut stream = Stream::named(seed, "engine");
        let (knobs, weights): (Vec<Knob>, Vec<f64>) = knobs().into_iter().unzip();
        let space = Space::new(knobs).expect("the knobs are constants and valid");
        let width = space.len();
        let base: Vec<f64> = (0..QUERIES).map(|_| 1.2 * (0.8 * stream.normal()).exp()).collect();
        let loads: Vec<Vec<f64>> = (0..QUERIES)
            .map(|_| {
                let own: Vec<f64> = (0..GROUPS).map(|_| (1.0 * stream.normal()).exp()).collect();
                let sum: f64 = own.iter().sum();
                own.iter().map(|load| load / sum).collect()
            })
            .collect();
        let groups: Vec<Vec<f64>> =
            (0..GROUPS).map(|_| (0..width).map(|_| 0.3 + 1.4 * stream.uniform()).collect()).collect();
        let sensitivity = loads
            .iter()
            .map(|own| {
                let one =
                    |j: usize| weights[j] * own.iter().zip(&groups).map(|(load, group)| load * group[j]).sum::<f64>();
                (0..width).map(one).collect()
            })
            .collect();
        let centres: Vec<f64> = (0..width).map(|_| 0.15 + 0.7 * stream.uniform()).collect();
        let tilts: Vec<Vec<f64>> = (0..QUERIES).map(|_| (0..width).map(|_| 0.08 * stream.normal()).collect()).collect();
        let preferred: Vec<usize> = space.knobs().iter().map(|knob| stream.below(entries(knob))).collect();
        let mut tasks = Vec::new();
        for (_, size, cores, apart, is_reversed) in TASKS {
            let shifts: Vec<f64> = (0..width).map(|_| apart * stream.normal()).collect();
            let order = stream.permutation(QUERIES);
            let repeats = order.iter().map(|rank| 1.0 + (4.0 / (1.0 + *rank as f64)).floor()).collect();
            let place = |query: usize, j: usize| {
                let own = centres[j] + shifts[j] + tilts[query][j];
                if is_reversed { 1.0 - own } else { own }
            };
            let places = (0..QUERIES).map(|query| (0..width).map(|j| place(query, j)).collect()).collect();
            let other = |(knob, entry): (&Knob, &usize)| match is_reversed {
                true => (entry + 1) % entries(knob),
                false => *entry,
            };
            let preferred = space.knobs().iter().zip(&preferred).map(other).collect();
            tasks.push(Task { size, cores, repeats, places, preferred, optimum: 0.0 });
        }
        let names = TASKS.iter().map(|task| task.0.to_string()).collect();
        let queries = (1..=QUERIES).map(|query| format!("q{query}")).collect();
        let mut own = Self { space, names, queries, noise, base, sensitivity, loads, tasks };
        for task in 0..own.tasks.len() {
            own.tasks[task].optimum = own.least(task);
        }
        own
    }

    /// The best place of a knob for a query on data of this size.
    fn place(&self, task: &Task, query: usize, knob: usize, size: f64) -> f64 {
        let moves = MOVES.iter().find(|(own, _)| *own == knob).map_or(0.0, |(_, step)| step * size.ln());
        (task.places[query][knob] + moves).clamp(0.0, 1.0)
    }

    /// What a query costs beside its base, as a share of it.
    fn excess(&self, task: &Task, query: usize, (unit, configuration): (&[f64], &[f64]), size: f64) -> f64 {
        let own = &self.sensitivity[query];
        let is_adaptive = configuration[ADAPTIVE] == 1.0;
        let mut sum = if is_adaptive { ADAPTIVE_COST / size.sqrt() } else { 0.0 };
        for (j, knob) in self.space.knobs().iter().enumerate() {
            sum += match &knob.values {
                Values::Choice(_) if j == ADAPTIVE || !self.space.is_active(j, configuration) => 0.0,
                Values::Choice(_) => own[j] * f64::from(u8::from(configuration[j] as usize != task.preferred[j])),
                _ => {
                    let damping = if j == PARTITIONS && is_adaptive { ADAPTIVE_LEFT } else { 1.0 };
                    damping * own[j] * (unit[j] - self.place(task, query, j, size)).powi(2)
                }
            };
        }
        let lacks = (NEEDED + 0.1 * size.ln() - unit[MEMORY_SHARE] - unit[DRIVER_MEMORY]).max(0.0);
        let centre = self.place(task, query, PARTITIONS, size) + self.place(task, query, MAX_PARTITION, size);
        let coupling = (unit[PARTITIONS] + unit[MAX_PARTITION] - centre).powi(2);
        sum + 4.0 * self.loads[query][0] * lacks * lacks + 0.8 * self.loads[query][1] * coupling
    }

    /// Seconds of all queries, weighted by repeats.
    fn seconds(&self, task: &Task, query: usize, at: (&[f64], &[f64]), size: f64) -> f64 {
        let work = self.base[query] * task.repeats[query];
        work * size * (1.0 + self.excess(task, query, at, size)) / task.cores.sqrt() + OVERHEAD * task.repeats[query]
    }

    fn fails(&self, task: &Task, unit: &[f64], size: f64) -> bool {
        unit[MEMORY_SHARE] + unit[DRIVER_MEMORY] < FAILS + 0.1 * size.ln() + 0.02 * task.cores.ln()
    }

    fn sum(&self, task: &Task, at: (&[f64], &[f64])) -> f64 {
        (0..QUERIES).map(|query| self.seconds(task, query, at, task.size)).sum()
    }

    /// The least total: of the choices, those that cost nothing, with and without adaptive execution; of the numbers, by
    /// descent along coordinates, which a convex function over a box ends at its least value.
    fn least(&self, task: usize) -> f64 {
        let own = &self.tasks[task];
        let mut least = f64::INFINITY;
        for adaptive in [0.0, 1.0] {
            let mut configuration: Configuration = own.preferred.iter().map(|entry| *entry as f64).collect();
            configuration[ADAPTIVE] = adaptive;
            let mut unit = vec![0.5; self.space.len()];
            let mut last = f64::INFINITY;
            for _ in 0..200 {
                for j in 0..unit.len() {
                    if !self.space.knobs()[j].is_choice() {
                        unit[j] = golden(|place| {
                            let mut unit = unit.clone();
                            unit[j] = place;
                            self.sum(own, (&unit, &configuration))
                        });
                    }
                }
                let now = self.sum(own, (&unit, &configuration));
                if last - now < 1e-10 * now {
                    break;
                }
                last = now;
            }
            if !self.fails(own, &unit, own.size) {
                least = least.min(self.sum(own, (&unit, &configuration)));
            }
        }
        least
    }
}

/// Where a convex function on [0, 1] is least, by golden section.
fn golden(function: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if function(a) <= function(b) { high = b } else { low = a }
    }
    (low + high) / 2.0
}

fn entries(knob: &Knob) -> usize {
    if let Values::Choice(names) = &knob.values { names.len() } else { 1 }
}

impl World for Simulator {
    fn space(&self) -> &Space {
        &self.space
    }

    fn queries(&self) -> &[String] {
        &self.queries
    }

    fn tasks(&self) -> &[String] {
        &self.names
    }

    /// Logarithms of size and cores, and what the queries of the task, by repeats, take from each group.
    fn meta(&self, task: usize) -> Vec<f64> {
        let own = &self.tasks[task];
        let work: Vec<f64> = self.base.iter().zip(&own.repeats).map(|(base, repeats)| base * repeats).collect();
        let total: f64 = work.iter().sum();
        let group = |k: usize| work.iter().zip(&self.loads).map(|(work, load)| work * load[k]).sum::<f64>() / total;
        // What the log of the default run says of the place where partitions and memory would be best.
        let place = |j: usize| (0..QUERIES).map(|query| own.places[query][j]).sum::<f64>() / QUERIES as f64;
        let mut meta = vec![own.size.ln(), own.cores.ln()];
        meta.extend((0..GROUPS).map(group));
        meta.extend([place(PARTITIONS), place(MEMORY_SHARE)]);
        meta
    }

    fn pool(&self, _: usize) -> Option<&[Configuration]> {
        None
    }

    fn measure(&self, task: usize, configuration: &[f64], query: usize, stream: &mut Stream) -> Option<f64> {
        let own = &self.tasks[task];
        let unit = self.space.to_unit(configuration);
        let factor = (self.noise * stream.normal()).exp();
        let seconds = self.seconds(own, query, (&unit, configuration), own.size) * factor;
        (!self.fails(own, &unit, own.size)).then_some(seconds)
    }

    fn total(&self, task: usize, configuration: &[f64]) -> Option<f64> {
        let own = &self.tasks[task];
        let unit = self.space.to_unit(configuration);
        (!self.fails(own, &unit, own.size)).then(|| self.sum(own, (&unit, configuration)))
    }

    fn optimum(&self, task: usize) -> f64 {
        self.tasks[task].optimum
    }

    fn reduced(&self, task: usize, configuration: &[f64], factor: f64, stream: &mut Stream) -> Option<f64> {
        let own = &self.tasks[task];
        let (unit, size) = (self.space.to_unit(configuration), own.size * factor);
        let one = |query: usize| {
            self.seconds(own, query, (&unit, configuration), size) * (self.noise * stream.normal()).exp()
        };
        (!self.fails(own, &unit, size)).then(|| (0..QUERIES).map(one).sum())
    }
}

/// Names of the tasks.
pub fn task_names() -> Vec<&'static str> {
    TASKS.iter().map(|task| task.0).collect()
}
