//! The system `genome`: own alignments, saved networks on variants and sequences, heads with equally many parameters.

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::DType;
use qgraft::data::sequence::{letter, read_alignment};
use qgraft::data::{Split, read_features};
use qgraft::lab::{ApplyOptions, Overrides, RunOptions, SavedRun, StudyError, System};
use qgraft::math::Stream;
use qgraft::nn::byte_net::{ByteNet, padded};
use qgraft::nn::layer::NormScope;
use qgraft::nn::{Mode, Model, Params};
use qgraft::systems::SYSTEMS;
use qgraft::systems::genome::{Kind, SourceRow, Spec, Truth, pooled, projection};
use tempfile::TempDir;

use crate::support::apply::apply_options;

fn genome() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "genome").unwrap()
}

fn cut() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/alignments/30way_cut.maf")
}

fn run(folder: &Path, flags: &[(&str, &str)], set: &[(&str, &str)]) -> Result<qgraft::lab::Outcome, StudyError> {
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let overrides =
        Overrides { presets: vec!["smoke".into()], flags: pairs(flags), set: pairs(set), ..Overrides::default() };
    let request = genome().resolve(&overrides)?;
    genome().run(&request, &RunOptions { jobs: 2, ..RunOptions::new(folder) }, &())
}

fn apply(folder: &Path, data: &[&Path], head: Option<&str>) -> Result<qgraft::lab::Applied, StudyError> {
    let options =
        ApplyOptions { data: data.iter().map(|path| path.to_path_buf()).collect(), ..apply_options(folder, head) };
    genome().apply(&SavedRun::open(folder)?, &options, &())
}

#[test]
fn a_run_on_own_alignment_scores_variants_of_its_reference_and_embeds_sequences() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("run");
    let alignment = cut();
    let outcome = run(
        &folder,
        &[("alignment", alignment.to_str().unwrap()), ("arms", "composition,phylogenetic,masked_base")],
        &[("segment", "100")],
    )
    .unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let heads = outcome.results.of("parameters").samples().unwrap();
    assert!(heads.values().iter().all(|count| *count == 4.0 * 9.0), "both heads have 4 (width + 1) parameters");
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("neighbour joining"), "the report says where the tree is from");

    let read = read_alignment(&alignment, None).unwrap();
    let (start, genomes) = (read.stretches[0].start, read.genomes.len());
    let bases: String = read.stretches[0].columns.chunks(genomes).map(|column| letter(column[0])).collect();
    let other = |base: &str| if base == "A" { "C" } else { "A" };
    let line = |at: usize, alt: Option<&str>| {
        let reference = &bases[at..at + 1];
        format!("chr10\t{}\t.\t{reference}\t{}\n", start + at + 1, alt.unwrap_or(other(reference)))
    };
    let header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n";
    let variants = directory.path().join("x.vcf");
    fs::write(
        &variants,
        format!("{header}{}{}{}chr99\t5\t.\tA\tC\n", line(0, None), line(20, None), line(21, Some("<DEL>"))),
    )
    .unwrap();
    let applied = apply(&folder, &[&variants], None).unwrap();
    assert_eq!(applied.model, "source=alignment arm=phylogenetic seed=0");
    assert_eq!(applied.columns[5..], ["llr", "log_rate", "note"]);
    assert!(applied.rows[..2].iter().all(|row| row[5].is_number() && row[6].is_number() && row[7] == ""));
    assert!(applied.rows[2..].iter().all(|row| row[5].is_null() && row[7] != ""), "{:?}", applied.rows);
    assert_eq!(applied.notices.len(), 1);

    // The same bases as a FASTA file, under the name without chr, give the same scores far from the ends.
    let fasta = directory.path().join("genome.fa");
    fs::write(&fasta, format!(">10\n{}{bases}\n", "N".repeat(start))).unwrap();
    fs::write(&variants, format!("{header}{}", line(40, None))).unwrap();
    let own = apply(&folder, &[&variants], None).unwrap();
    let named = apply(&folder, &[&variants, &fasta], None).unwrap();
    assert_eq!(own.rows, named.rows);
    let masked = apply(&folder, &[&variants], Some("masked_base")).unwrap();
    assert!(masked.rows[0][5].is_number() && masked.rows[0][6].is_null());

    let wrong = if &bases[40..41] == "A" { "G" } else { "A" };
    fs::write(&variants, format!("{header}chr10\t{}\t.\t{wrong}\tT\n", start + 41)).unwrap();
    let error = apply(&folder, &[&variants], None).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("another assembly"), "{error}");
    let error = apply(&folder, &[&variants], Some("composition")).unwrap_err().to_string();
    assert!(error.contains("one θ for every site"), "{error}");

    let more = directory.path().join("others.fa");
    let few = directory.path().join("few.fa");
    fs::write(&more, ">a\nACGTACGTAA\n>b\nGGGGCCCCTT\n>c\nTTT\n").unwrap();
    fs::write(&few, ">d\nAAAAA\n>e\nACACACNAC\n").unwrap();
    let embedded = apply(&folder, &[&more, &few], None).unwrap();
    let features = embedded.features.unwrap();
    assert_eq!((features.values.dim(), &features.samples.classes[..]), ((5, 8), &["others".into(), "few".into()][..]));
    // The file is one that heads learn from.
    let file = directory.path().join("embedded.safetensors");
    features.write(&file).unwrap();
    let read = read_features(&file, Split { validation: 0.5, seed: 0 }).unwrap();
    assert_eq!((read.values.dim(), read.samples.classes), ((5, 8), features.samples.classes));
}

#[test]
fn what_does_not_fit_an_alignment_is_one_clear_error() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let alignment = file("a.fa", &format!(">x\n{0}\n>y\n{0}\n", "ACGTTGCAAC".repeat(30)));
    let cases = [
        (file("other.nwk", "(x:1,z:1);"), "no leaf is called \"y\"; the leaves are x, z"),
        (file("bad.nwk", "(x:1,y);"), "column 7: expected `:`"),
        (file("twice.nwk", "(x:1,x:1);"), "two leaves are called \"x\""),
    ];
    for (k, (tree, part)) in cases.iter().enumerate() {
        let folder = directory.path().join(format!("run{k}"));
        let set = [("segment", "100"), ("arms", "composition")];
        let flags = [("alignment", alignment.as_str()), ("tree", tree.as_str())];
        let outcome = run(&folder, &flags, &set);
        let message = match outcome {
            Err(error) => error.to_string(),
            Ok(outcome) => format!("{:?}", outcome.results.failures),
        };
        assert!(message.contains(&part.replace('"', "\\\"")) || message.contains(part), "{tree}: {message}");
    }
    let flags = [("alignment", alignment.as_str())];
    let outcome = run(&directory.path().join("short"), &flags, &[("segment", "1000"), ("arms", "composition")]);
    let message = outcome.map_or_else(|e| e.to_string(), |o| format!("{:?}", o.results.failures));
    assert!(message.contains("1 segment of 1000 bases"), "{message}");
    for (set, part) in [
        (("width", "7"), "an even number"),
        (("dilations", "[]"), "at least one number"),
        (("sources", "[]"), "at least one source"),
        (("tree", "x.nwk"), "an alignment beside it"),
    ] {
        let error = run(&directory.path().join("none"), &[], &[set]).map(drop).expect_err(set.0).to_string();
        assert!(error.contains(part), "{set:?}: {error}");
    }
}

#[test]
fn pairs_of_motifs_are_learned_and_found_from_pooled_embeddings() {
    let directory = TempDir::new().unwrap();
    let flags = [("sources", "paired"), ("arms", "composition,phylogenetic"), ("probes", "linear,pooled")];
    let outcome = run(&directory.path().join("run"), &flags, &[("pool", "101")]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    for probe in ["linear", "pooled", "scratch"] {
        let found = outcome.results.of("motif_auroc").at("source", "paired").at("probe", probe).samples().unwrap();
        assert!(found.values().iter().all(|auroc| (0.0..=1.0).contains(auroc)), "{probe}: {:?}", found.values());
    }
    let message = run(&directory.path().join("none"), &[("probes", "pool")], &[]).unwrap_err().to_string();
    assert!(message.contains("pool"), "{message}");
}

/// The sum as it is written down, site by site.
#[test]
fn pooled_embeddings_add_the_projected_mean_around_a_site() {
    let net = ByteNet { width: 4, inner: 2, kernel: 5, dilations: vec![1, 2], norm: NormScope::Position };
    let mut params = Params::new(3, DType::F32);
    let length = 57;
    let mut stream = Stream::named(1, "bases");
    let bases: Vec<u8> = (0..length).map(|_| stream.below(4) as u8).collect();
    let letters = padded(&bases, net.field() / 2).unwrap();
    let own = net.build(&mut params).unwrap().forward(&[letters], Mode::Eval).unwrap().features;
    let own: Vec<Vec<f32>> = own.detach().squeeze(0).unwrap().to_vec2().unwrap();
    let sites = [0, 3, 20, 56];
    for pool in [1usize, 4, 11, 5521] {
        let found = pooled(&net, &mut params, &bases, &sites, pool).unwrap().to_vec2::<f32>().unwrap();
        for (row, &site) in found.iter().zip(&sites) {
            let near = (0..length).filter(|&k| k + pool / 2 >= site && k < site + pool.div_ceil(2));
            let sum = |c: usize| near.clone().map(|k| f64::from(own[k][c])).sum::<f64>();
            let mean: Vec<f64> = (0..4).map(|c| sum(c) / pool as f64).collect();
            for (c, weights) in projection(4).iter().enumerate() {
                let far: f64 = weights.iter().zip(&mean).map(|(w, m)| w * m).sum();
                let expected = f64::from(own[site][c]) + far;
                // Embeddings are in single precision.
                assert!((f64::from(row[c]) - expected).abs() < 1e-4, "pool {pool}, site {site}: {row:?}");
            }
        }
    }
}

/// Stretches of sites in motifs: first, end, and whether any is core.
fn stretches(truth: &[Truth]) -> Vec<(usize, usize, bool)> {
    let mut found: Vec<(usize, usize, bool)> = Vec::new();
    for (site, truth) in truth.iter().enumerate().filter(|(_, truth)| truth.kind != Kind::Background) {
        let is_core = truth.kind == Kind::Core;
        match found.last_mut().filter(|(_, end, _)| *end == site) {
            Some((_, end, has_core)) => (*end, *has_core) = (site + 1, *has_core || is_core),
            None => found.push((site, site + 1, is_core)),
        }
    }
    found
}

#[test]
fn paired_motifs_have_a_core_only_near_a_partner() {
    let spec = Spec { leaves: 4, training_bases: 20_000, test_bases: 500, ..Spec::default() };
    let stretches = |name: &str| {
        let material = SourceRow::named(name).unwrap().material(&spec, 5).unwrap();
        stretches(&material.training[0].truth)
    };
    let paired = stretches("paired");
    // The last partner may lie beyond the end.
    for (k, &(start, end, _)) in paired.iter().enumerate().filter(|(k, own)| own.2 && k + 1 < paired.len()) {
        let near = |other: &(usize, usize, bool)| other.2 && start.max(other.0) - end.min(other.1) <= 20;
        let has_partner = paired.iter().enumerate().any(|(other, own)| other != k && near(own));
        // Motifs have at most 12 positions; without a gap between them they are one stretch.
        assert!(end - start > 12 || has_partner, "a core at {start} without a partner");
    }
    let share = |all: &[(usize, usize, bool)]| all.iter().filter(|own| own.2).count() as f64 / all.len() as f64;
    // A motif has its partner on a side with a chance of about one half, near enough with 1 - exp(-20 / 23).
    assert!((0.3..0.8).contains(&share(&paired)), "{}", share(&paired));
    assert!(share(&stretches("simulated")) > 0.95);
}
