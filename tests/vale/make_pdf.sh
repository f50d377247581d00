#!/usr/bin/env bash
# Makes the paper as a PDF:
#
#   tests/vale/make_pdf.sh [FILE.pdf]
#
# Needs these packages of Debian, which nothing else here needs:
#
#   apt-get install --no-install-recommends pandoc librsvg2-bin texlive-xetex texlive-latex-recommended \
#     texlive-fonts-recommended fonts-dejavu lmodern
set -euo pipefail
cd "$(dirname "$0")/../.."
to=$(realpath -m "${1:-build/virtual-threads.pdf}")
mkdir -p "$(dirname "$to")"
cd docs
# The first heading is the title. Links to other documents lead to where they are in the repository.
pandoc virtual-threads.md --from gfm --output "$to" --pdf-engine=xelatex --shift-heading-level-by=-1 --number-sections \
  --variable=geometry:margin=22mm --variable=fontsize=10pt --variable=colorlinks \
  --variable=mainfont="DejaVu Serif" --variable=monofont="DejaVu Sans Mono" --variable=mainfontoptions=Scale=0.85 \
  --variable=monofontoptions=Scale=0.8
printf '%s\n' "$to"
