#!/bin/sh
# Fetch WordNet 3.0's nouns with their glosses (Fellbaum 1998; WordNet licence, in the package) as data.noun, from the Debian package
# wordnet-base 3.0; they are not kept here (15 MB).
#
#   sh data/glosses/wordnet.sh dict && qgraft run fairtext --encoder minilm --glosses dict --parts transfer
set -eu
package=$(mktemp -d)
trap 'rm -r "$package"' EXIT
(cd "$package" && apt-get download -qq wordnet-base && dpkg -x wordnet-base_*.deb .)
mkdir -p "$1"
cp "$package"/usr/share/wordnet/data.noun "$1"
