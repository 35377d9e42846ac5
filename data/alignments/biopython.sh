#!/bin/sh
# Fetch the alignment of 30 vertebrate genomes to 103,741 bases of mouse chromosome 10 (mm9; UCSC multiz30way) that the
# source package of Biopython 1.85 carries for its tests, as 30way.maf; it is not kept here (4.5 MB).
#
#   sh data/alignments/biopython.sh genomes && qgraft run genome --alignment genomes/30way.maf --seeds 3
set -eu
package=$(mktemp -d)
trap 'rm -r "$package"' EXIT
pip download --quiet --no-deps --no-binary :all: --dest "$package" biopython==1.85
tar -xzf "$package"/biopython-1.85.tar.gz -C "$package" biopython-1.85/Tests/MAF/ucsc_mm9_chr10_big.maf
mkdir -p "$1"
mv "$package"/biopython-1.85/Tests/MAF/ucsc_mm9_chr10_big.maf "$1"/30way.maf
