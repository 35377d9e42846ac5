//! FASTA, MAF and VCF files.

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::data::sequence::{GAP, Substitution, UNKNOWN, parse_fasta, parse_variants, read_alignment, read_fasta};
use tempfile::TempDir;

use crate::support::scanner::gzipped;

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

const MAF: &str = "##maf version=1
track name=x
a score=1
s mm9.chr1 10 4 + 100 AC-GT
s hg18.chr2 5 5 - 50 ACTgN
q hg18.chr2 99999
i hg18.chr2 N 0 C 0
e rn4.chr1 3 4 + 20 I

a score=2
s mm9.chr1 14 2 + 100 TT
s rn4.chr1 0 1 + 20 T-
s rn4.chr9 0 2 + 20 AA

a score=3
s hg18.chr2 0 2 + 50 CC
s rn4.chr1 5 2 + 20 CC

a score=4
s mm9.chr1 80 2 - 100 AC
s rn4.chr1 8 2 + 20 AG
";

#[test]
fn maf_blocks_become_columns_on_the_forward_strand_of_the_reference() {
    let folder = TempDir::new().unwrap();
    let path = written(&folder, "a.maf", MAF);
    let alignment = read_alignment(&path, None).unwrap();
    assert_eq!(alignment.genomes, ["mm9", "hg18", "rn4"]);
    assert_eq!((alignment.len(), alignment.stretches.len()), (8, 2));
    let first = &alignment.stretches[0];
    assert_eq!((first.chromosome.as_str(), first.start), ("chr1", 10));
    let columns: Vec<&[u8]> = first.columns.chunks(3).collect();
    // The insertion of hg18 is left out; small letters count; the second row of rn4 is left out.
    let [a, c, g, t] = [0u8, 1, 2, 3];
    assert_eq!(columns, [[a, a, 4], [c, c, 4], [g, g, 4], [t, UNKNOWN, 4], [t, 4, t], [t, 4, GAP]]);
    // A block on the other strand: bases 18 and 19 of the forward strand, in their order.
    let last = &alignment.stretches[1];
    assert_eq!((last.start, &last.columns[..]), (18, &[g, 4, c, t, 4, t][..]));
    assert_eq!(alignment.notices.len(), 2, "{:?}", alignment.notices);
    let other = read_alignment(&path, Some("rn4")).unwrap();
    assert_eq!(other.genomes[0], "rn4");
    let error = read_alignment(&path, Some("mm10")).unwrap_err().to_string();
    assert!(error.contains("mm10") && error.contains("mm9, hg18, rn4"), "{error}");
}

#[test]
fn a_real_alignment_is_read_whole_packed_or_not() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/alignments/30way_cut.maf");
    let alignment = read_alignment(&path, None).unwrap();
    assert_eq!((alignment.genomes[0].as_str(), alignment.notices.len()), ("mm9", 0));
    let text = fs::read_to_string(&path).unwrap();
    let bases: usize = text
        .lines()
        .filter(|line| line.starts_with("s mm9."))
        .map(|line| line.split_whitespace().nth(3).unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!(alignment.len(), bases);
    let folder = TempDir::new().unwrap();
    let packed = folder.path().join("cut.maf.gz");
    fs::write(&packed, gzipped(text.as_bytes())).unwrap();
    assert_eq!(read_alignment(&packed, None).unwrap(), alignment);
}

#[test]
fn aligned_fasta_loses_the_gaps_of_its_reference() {
    let folder = TempDir::new().unwrap();
    let path = written(&folder, "a.fa", ">x first\nAC-\nGT\n>y\nAATG-\n");
    let alignment = read_alignment(&path, None).unwrap();
    assert_eq!(alignment.genomes, ["x", "y"]);
    assert_eq!(alignment.stretches[0].columns, [0, 0, 1, 0, 2, 2, 3, GAP]);
    let other = read_alignment(&path, Some("y")).unwrap();
    assert_eq!((other.genomes[0].as_str(), other.len()), ("y", 4));
}

#[test]
fn files_that_are_none_are_refused_with_their_line() {
    let folder = TempDir::new().unwrap();
    let row = |text: &str| format!("a\n{text}\n");
    for (text, part) in [
        ("nonsense", "line 1: expected a, s, q, i or e"),
        ("", "no row of an alignment block"),
        ("s mm9.chr1 10 4 + 100 ACGT", "line 1: a row before the first block"),
        (&row("s mm9.chr1 10 5 + 100 AC-GT"), "line 2: 4 bases, but size 5"),
        (&row("s mm9.chr1 98 4 + 100 ACGT"), "line 2: bases 98 to 102 of a chromosome of 100"),
        (&row("s mm9.chr1 x 4 + 100 ACGT"), "line 2: start \"x\""),
        (&row("s mm9.chr1 1 4 * 100 ACGT"), "strand \"*\""),
        (&row("s mm9.chr1 1 4 + 100"), "line 2: 6 fields"),
        (&row("s mm9.chr1 1 4 + 100 ACGQ"), "'Q' at position 4"),
        ("a\ns a.1 0 2 + 9 AC\ns b.1 0 3 + 9 ACC\n", "line 3: a row of 3 letters in a block of 2"),
        (&row("s mm9.chr1 10 4 + 100 ACGT"), "only the genome \"mm9\""),
        (">x\nACGT\n>y\nAC\n", "\"y\" has 2 letters and \"x\" 4"),
        (">x\nACGT\n>x\nACGT\n", "line 3: a second sequence \"x\""),
    ] {
        let path = written(&folder, "bad", text);
        let error = read_alignment(&path, None).map(drop).expect_err(text).to_string();
        assert!(error.contains(part) && error.contains("bad"), "{text:?}: {error}");
    }
    for (text, part) in [
        ("ACGT", "line 1: expected a line that begins with >"),
        (">\nACGT", "line 1: a sequence without a name"),
        (">x\n>y\nA", "sequence \"x\" is empty"),
        (">p\nMKV\nLLE", "line 3: 'L' at position 1"),
    ] {
        let error = parse_fasta(text, "bad.fa").map(drop).expect_err(text).to_string();
        assert!(error.contains(part), "{text:?}: {error}");
    }
    let binary = folder.path().join("x.fa");
    fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    assert!(read_fasta(&binary).unwrap_err().to_string().contains("binary"));
}

#[test]
fn variants_are_read_and_only_single_bases_are_substitutions() {
    let text = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\r\n\
                1\t5\trs1\tA\tG,T\t.\tPASS\t.\r\n1\t6\t.\tAC\tA\t.\t.\t.\n1\t7\t.\tc\t<DEL>\t.\t.\t.\n1\t8\t.\tN\tA\t.\t.\t.\n";
    let variants = parse_variants(text, "x.vcf").unwrap();
    assert_eq!(variants.len(), 5);
    assert_eq!((variants[1].line, variants[1].position, variants[1].id.as_str()), (4, 5, "rs1"));
    let substitutions: Vec<_> = variants.iter().map(|variant| variant.substitution()).collect();
    assert_eq!(substitutions[..2], [Some(Substitution { from: 0, to: 2 }), Some(Substitution { from: 0, to: 3 })]);
    assert!(substitutions[2..].iter().all(Option::is_none));
    let header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n";
    for (text, part) in [
        ("1\t5\t.\tA\tG\n", "line 1: expected ##fileformat=VCF"),
        ("##fileformat=VCFv4.2\n1\t5\t.\tA\tG\n", "line 2: a variant before the line #CHROM"),
        ("##fileformat=VCFv4.2\n#CHROM POS ID REF ALT\n", "line 2: expected the columns"),
        (&format!("{header}1 5 . A G\n"), "line 3: 1 fields"),
        (&format!("{header}1\t0\t.\tA\tG\n"), "line 3: POS \"0\""),
        (&format!("{header}1\t5\t.\t\tG\n"), "line 3: REF \"\""),
        (&format!("{header}1\t5\t.\tA\tG;T\n"), "line 3: ALT"),
        (header, "no variant"),
    ] {
        let error = parse_variants(text, "x.vcf").map(drop).expect_err(text).to_string();
        assert!(error.contains(part), "{text:?}: {error}");
    }
}
