//! The system `genome`: own alignments, saved networks on variants and sequences, heads with equally many parameters.

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::data::sequence::{letter, read_alignment};
use qgraft::data::{Split, read_features};
use qgraft::lab::{ApplyOptions, Overrides, RunOptions, SavedRun, StudyError, System};
use qgraft::systems::SYSTEMS;
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
