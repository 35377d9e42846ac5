"""Corpus BLEU of sacrebleu and ROUGE-L of rouge-score on random texts: tests/reference/text.json.

    pip install sacrebleu==2.6.0 rouge-score==0.1.2
    python tests/reference/text.py > tests/reference/text.json
"""

import json
import random

import sacrebleu
from rouge_score import rouge_scorer

random.seed(7)
scorer = rouge_scorer.RougeScorer(["rougeL"])
cases = []
for kind in ["near", "far", "short", "long", "nothing", "same", "clipped"]:
    references, candidates = [], []
    for _ in range(12):
        reference = [random.randrange(10, 30) for _ in range(random.randint(3, 10))]
        candidate = list(reference)
        if kind == "near":
            candidate = [w if random.random() < 0.85 else random.randrange(10, 30) for w in reference]
        elif kind == "far":
            candidate = random.sample(reference, len(reference))
        elif kind == "short":
            candidate = reference[: max(1, len(reference) - 3)]
        elif kind == "long":
            candidate = reference + [random.randrange(10, 30) for _ in range(3)]
        elif kind == "nothing":
            candidate = [w + 40 for w in reference]
        elif kind == "clipped":
            candidate = [reference[0]] * len(reference)
        references.append(reference)
        candidates.append(candidate)
    text = lambda rows: [" ".join(map(str, row)) for row in rows]
    hypotheses, truths = text(candidates), text(references)
    bleu = sacrebleu.corpus_bleu(hypotheses, [truths], tokenize="none").score / 100
    rouge = sum(scorer.score(t, h)["rougeL"].fmeasure for t, h in zip(truths, hypotheses)) / len(truths)
    cases.append({"kind": kind, "candidates": candidates, "references": references, "bleu": bleu, "rouge_l": rouge})
print(json.dumps(cases))
