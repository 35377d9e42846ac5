//! A trained network applied to variants and sequences.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use serde_json::{Value, json};

use crate::classic::phylogeny::Site;
use crate::data::sequence::{
    GAP, Sequence, UNKNOWN, Variant, complement, letter, read_alignment, read_fasta, read_variants,
};
use crate::data::{DataError, Features, Part, Samples};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::math::words::pluralise;
use crate::nn::byte_net::ByteNet;
use crate::nn::{Mode, Model, Network, Params, Weights};
use crate::study::{Observer, StudyError};
use crate::systems::genome::arms::{ArmRow, Target};
use crate::systems::genome::evaluate::site_of;
use crate::systems::genome::spec::Spec;
use crate::systems::genome::trial::{MODEL, PUBLISHED_FILE};

/// Sites computed at once.
const SITES: usize = 2_000;

/// Applies a network of a run: a VCF file gives a score for each variant, FASTA files a row for each sequence.
///
/// # Errors
/// A run without such a network, files that cannot be read or do not fit each other.
pub fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
    let refuse = |reason: &str| Err(StudyError::SavedRun { path: run.folder.clone(), reason: reason.into() });
    options.refuse_condition()?;
    let mut models = run.models(&[MODEL, PUBLISHED_FILE], &options.choice)?;
    if options.choice.label.is_none() && models.iter().any(|trial| trial.label() == super::TRUNK) {
        models.retain(|trial| trial.label() == super::TRUNK);
    }
    run.refuse_several(&models, "source")?;
    let score = |trial: &SavedTrial| trial.measurement.get("validation_log_likelihood").unwrap_or(f64::NEG_INFINITY);
    let best = models.iter().copied().reduce(|best, other| if score(other) > score(best) { other } else { best });
    // The choice leaves at least one.
    let Some(trial) = best else { return refuse("the run keeps no trained model") };
    let spec: Spec = trial.settings()?;
    let is_published = trial.has(PUBLISHED_FILE);
    let is_masked = match is_published {
        true => false,
        false => {
            let arm = ArmRow::named(trial.label())?;
            if !arm.reads {
                return refuse("the arm composition has one θ for every site; choose another by --head");
            }
            arm.target == Target::Base
        }
    };
    let net = if is_published { ByteNet::published() } else { spec.net() };
    let mut params = Params::new(0, DType::F32);
    match (&spec.weights, is_published) {
        (Some(weights), true) => {
            trial.check_contents("weights", Some(weights))?;
            net.load(&mut params, &Weights::read(weights)?)?;
        }
        _ => {
            net.build(&mut params)?;
            params.load_bytes(&trial.file(MODEL)?, &trial.path(MODEL))?;
        }
    }
    let network = net.build(&mut params)?;
    let scorer = Scorer { network, context: net.field() - 1, width: net.width, is_masked };
    let is_variants = |path: &Path| {
        let name = path.to_string_lossy().to_ascii_lowercase();
        name.ends_with(".vcf") || name.ends_with(".vcf.gz")
    };
    let (variants, sequences): (Vec<_>, Vec<_>) = options.data.iter().partition(|path| is_variants(path));
    let mut applied = match variants[..] {
        [] => scorer.sequences(&sequences.iter().map(|path| path.as_path()).collect::<Vec<_>>(), observer)?,
        [path] => {
            let (genome, source) = match (&sequences[..], &spec.alignment) {
                ([], Some(alignment)) => {
                    trial.check_contents("alignment", Some(alignment))?;
                    (Genome::of_alignment(alignment, spec.reference.as_deref())?, alignment.display().to_string())
                }
                ([], None) => {
                    let reason = "the run was made on simulated genomes; name the FASTA file of the reference genome \
                                  behind the variants";
                    return refuse(reason);
                }
                ([fasta], _) => (Genome::of_fasta(fasta)?, fasta.display().to_string()),
                _ => return refuse("variants need one FASTA file of their reference genome, not several"),
            };
            scorer.variants(path, &genome, &source, observer)?
        }
        _ => return refuse("more than one file of variants; name one at a time"),
    };
    applied.model = trial.title();
    Ok(applied)
}

/// Parts of chromosomes with their bases.
struct Genome(BTreeMap<String, Vec<(usize, Vec<u8>)>>);

impl Genome {
    fn of_fasta(path: &Path) -> Result<Self, StudyError> {
        Ok(Self(read_fasta(path)?.into_iter().map(|sequence| (sequence.name, vec![(0, sequence.bases)])).collect()))
    }

    fn of_alignment(path: &Path, reference: Option<&str>) -> Result<Self, StudyError> {
        let alignment = read_alignment(path, reference)?;
        let mut parts: BTreeMap<String, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        for stretch in alignment.stretches {
            let bases = stretch.columns.chunks(alignment.genomes.len()).map(|column| column[0]).collect();
            parts.entry(stretch.chromosome).or_default().push((stretch.start, bases));
        }
        Ok(Self(parts))
    }

    /// The part with this position, from 0, and the position in it. `chr1` and `1` are the same chromosome.
    fn find(&self, chromosome: &str, position: usize) -> Result<(&[u8], usize), String> {
        let other = chromosome.strip_prefix("chr").map_or_else(|| format!("chr{chromosome}"), String::from);
        let Some(parts) = self.0.get(chromosome).or_else(|| self.0.get(&other)) else {
            return Err(format!("the reference has no sequence {chromosome}"));
        };
        let within = |(start, bases): &&(usize, Vec<u8>)| (*start..start + bases.len()).contains(&position);
        let part = parts.iter().find(within);
        part.map(|(start, bases)| (&bases[..], position - start)).ok_or_else(|| "not in the reference".into())
    }
}

struct Scorer<'a> {
    network: Box<dyn Network + 'a>,
    /// Bases around a site on both sides together.
    context: usize,
    width: usize,
    /// Whether a site is masked when it is predicted.
    is_masked: bool,
}

impl Scorer<'_> {
    /// Sites and embeddings (sites, width) of letters with their context.
    fn run(&self, letters: Vec<Vec<u32>>) -> Result<(Vec<Site>, Vec<Vec<f32>>), StudyError> {
        let shape = (letters.len(), letters[0].len());
        let output = self.network.forward(&[Tensor::from_vec(letters.concat(), shape, &Device::Cpu)?], Mode::Eval)?;
        let theta = output.logits.detach().flatten_to(1)?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
        let features = output.features.detach().flatten_to(1)?.to_vec2()?;
        Ok((theta.iter().map(|row| site_of(row)).collect(), features))
    }

    /// The letters around a site of a part.
    fn around(&self, bases: &[u8], site: usize) -> Vec<u32> {
        let half = self.context / 2;
        let letter = |k: usize| match (site + k).checked_sub(half).and_then(|at| bases.get(at)) {
            Some(_) if k == half && self.is_masked => u32::from(UNKNOWN),
            Some(base) => u32::from(*base),
            None => u32::from(GAP),
        };
        (0..=self.context).map(letter).collect()
    }

    fn variants(
        &self,
        path: &Path,
        genome: &Genome,
        source: &str,
        observer: &dyn Observer,
    ) -> Result<Applied, StudyError> {
        let variants = read_variants(path)?;
        let mut scored: Vec<(usize, Vec<u32>)> = Vec::new();
        let mut notes: Vec<String> = vec![String::new(); variants.len()];
        for (k, variant) in variants.iter().enumerate() {
            let Some(change) = variant.substitution() else {
                notes[k] = "no substitution of one known base".into();
                continue;
            };
            match genome.find(&variant.chromosome, variant.position - 1) {
                Err(note) => notes[k] = note,
                Ok((bases, site)) if bases[site] == change.from => scored.push((k, self.around(bases, site))),
                Ok((bases, site)) => return Err(mismatch(path, variant, bases[site], source).into()),
            }
        }
        observer.stage("variants", scored.len());
        let mut sites: BTreeMap<usize, Site> = BTreeMap::new();
        for part in scored.chunks(256) {
            if observer.stopped() {
                return Err(StudyError::Interrupted);
            }
            let (found, _) = self.run(part.iter().map(|(_, letters)| letters.clone()).collect())?;
            sites.extend(part.iter().map(|(k, _)| *k).zip(found));
            observer.advance(part.len());
        }
        let rows = variants.iter().enumerate().map(|(k, variant)| {
            let numbers = match (sites.get(&k), variant.substitution()) {
                (Some(site), Some(change)) => {
                    let log = |base: u8| site.frequencies[usize::from(base)].ln();
                    let rate = if self.is_masked { Value::Null } else { json!(site.log_rate) };
                    [json!(log(change.to) - log(change.from)), rate]
                }
                _ => [Value::Null, Value::Null],
            };
            let names = [json!(variant.chromosome), json!(variant.position), json!(variant.id)];
            let alleles = [json!(variant.reference), json!(variant.alternative)];
            names.into_iter().chain(alleles).chain(numbers).chain([json!(notes[k])]).collect()
        });
        let columns = ["chromosome", "position", "id", "ref", "alt", "llr", "log_rate", "note"];
        let left = notes.iter().filter(|note| !note.is_empty()).count();
        let notices = match left {
            0 => Vec::new(),
            _ => vec![format!(
                "{} of {} without a score; the column note says why",
                left,
                pluralise(variants.len(), "variant")
            )],
        };
        Ok(Applied { columns: columns.map(String::from).to_vec(), rows: rows.collect(), notices, ..Applied::default() })
    }

    /// One row for each sequence: means over its bases. Each file is a class.
    fn sequences(&self, paths: &[&Path], observer: &dyn Observer) -> Result<Applied, StudyError> {
        let mut samples = Samples {
            source: paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            ids: Vec::new(),
            labels: Vec::new(),
            classes: paths.iter().map(|path| class_of(path)).collect(),
            parts: Vec::new(),
            groups: Vec::new(),
        };
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        for (label, path) in paths.iter().enumerate() {
            let sequences = read_fasta(path)?;
            observer.stage("sequences", sequences.len());
            for sequence in sequences {
                if observer.stopped() {
                    return Err(StudyError::Interrupted);
                }
                let (row, embedding) = self.sequence(&sequence)?;
                rows.push(row);
                values.extend(embedding);
                samples.ids.push(sequence.name);
                samples.labels.push(label);
                samples.parts.push(Part::Train);
                observer.advance(1);
            }
        }
        let columns = ["sequence", "bases", "A", "C", "G", "T", "log_rate", "entropy"];
        let values = Array2::from_shape_vec((rows.len(), self.width), values)
            .map_err(|e| DataError::Malformed { place: samples.source.clone(), reason: e.to_string() })?;
        let features = Some(Features { values, samples, notices: Vec::new() });
        let columns = columns.map(String::from).to_vec();
        Ok(Applied { columns, rows, features, ..Applied::default() })
    }

    fn sequence(&self, sequence: &Sequence) -> Result<(Vec<Value>, Vec<f32>), StudyError> {
        let bases: Vec<u8> = sequence.bases.iter().copied().filter(|base| *base != GAP).collect();
        let half = self.context / 2;
        let (mut sums, mut embedding) = ([0.0; 6], vec![0.0f64; self.width]);
        for start in (0..bases.len()).step_by(SITES) {
            let end = (start + SITES).min(bases.len());
            let at =
                |k: usize| k.checked_sub(half).and_then(|k| bases.get(k)).map_or(u32::from(GAP), |b| u32::from(*b));
            let (sites, features) = self.run(vec![(start..end + self.context).map(at).collect()])?;
            for (site, features) in sites.iter().zip(features) {
                for (sum, p) in sums.iter_mut().zip(site.frequencies) {
                    *sum += p;
                }
                sums[4] += site.log_rate;
                sums[5] -= site.frequencies.iter().map(|p| p * p.max(1e-300).ln()).sum::<f64>();
                embedding.iter_mut().zip(features).for_each(|(sum, value)| *sum += f64::from(value));
            }
        }
        let count = bases.len().max(1) as f64;
        let means = sums.map(|sum| sum / count);
        let rate = if self.is_masked { Value::Null } else { json!(means[4]) };
        let mut row = vec![json!(sequence.name), json!(bases.len())];
        row.extend(means[..4].iter().map(|mean| json!(mean)));
        row.extend([rate, json!(means[5])]);
        Ok((row, embedding.into_iter().map(|sum| (sum / count) as f32).collect()))
    }
}

/// A file of sequences is a class of its name.
fn class_of(path: &Path) -> String {
    let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    name.split('.').next().unwrap_or("").to_string()
}

fn mismatch(path: &Path, variant: &Variant, base: u8, source: &str) -> DataError {
    let (own, found) = (&variant.reference, letter(base));
    let strand = if variant.substitution().is_some_and(|change| complement(change.from) == base) {
        "; the alleles may be those of the other strand"
    } else {
        ""
    };
    let reason = format!(
        "line {}: REF is {own}, but {source} has {found} at {}:{}; the variants are of another assembly{strand}",
        variant.line, variant.chromosome, variant.position
    );
    DataError::Malformed { place: path.display().to_string(), reason }
}
