"""Writes text_encoder.json: BERT and DistilBERT by transformers, forward and backward, for tests/it/text_encoder.rs.

    python -P tests/reference/text_encoder.py [FOLDER]        # torch 2.15, transformers 5.24

Small networks have weights by formula: with its names in alphabetical order, element i of parameter k is 0.5 sin(0.7 i + 2 + k).
The loss is the sum of the last hidden state times the tensor sin(0.7 i + 0.5), over words that are not filling. FOLDER is what
data/glosses/minilm.sh fetches; its sentence vectors are written as well.
"""

import json
import pathlib
import sys

import torch
import transformers
from transformers import BertConfig, BertModel, BertTokenizerFast, DistilBertConfig, DistilBertModel

torch.set_num_threads(1)
IDS = [[1, 5, 7, 2, 0, 0], [1, 9, 3, 10, 4, 2]]
WORDS = ("[PAD] [UNK] [CLS] [SEP] [MASK] the harvest fail ##ed ##s in rain ##fall un ##like ##ly north , . ! cafe 5 % - "
         "crop price of maize rose").split()
TEXTS = ["The harvest failed in the North.", "Rainfall unlikely, un-like crops!", "Café prices of maize rose 5%",
         "Unknownword and  tabs\tand\nlines", "", "the " * 20]
SENTENCES = ["The harvest failed after two dry seasons.", "Maize prices rose by 40 % in the north.",
             "A mild wind", "the act of making something different, or the result of that act, in a long sentence"]


def formula(shape, phase):
    return torch.sin(0.7 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + phase).reshape(shape)


def rounded(tensor, digits=7):
    return [round(value, digits) for value in tensor.detach().flatten().tolist()]


def network(name, model, config):
    model = model.double().eval()
    parameters = {k: p for k, p in sorted(model.named_parameters()) if not k.startswith("pooler")}
    with torch.no_grad():
        for k, parameter in enumerate(parameters.values()):
            parameter.copy_(0.5 * formula(parameter.shape, 2 + k))
    ids = torch.tensor(IDS)
    seen = (ids != 0).long()
    states = model(input_ids=ids, attention_mask=seen, output_hidden_states=True).hidden_states
    # Filling has values of its own, which nothing reads.
    (states[-1] * formula(states[-1].shape, 0.5) * seen[..., None]).sum().backward()
    return {
        "name": name, "config": config, "ids": IDS,
        "states": [rounded(s * seen[..., None]) for s in states],
        "parameters": [{"name": k, "shape": list(p.shape), "gradient": rounded(p.grad)} for k, p in parameters.items()],
    }


def sentences(folder):
    tokenizer, model = transformers.AutoTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder).eval()
    found = []
    for text in SENTENCES:
        encoded = tokenizer(text, return_tensors="pt", truncation=True, padding=False)
        with torch.no_grad():
            vector = model(**encoded).last_hidden_state.mean(1)[0]
        found.append({"text": text, "ids": encoded["input_ids"][0].tolist(), "vector": rounded(vector, 6)})
    return found


sizes = {"vocab_size": 11, "max_position_embeddings": 7}
bert = {"model_type": "bert", **sizes, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 12, "type_vocab_size": 2, "pad_token_id": 0}
distilbert = {"model_type": "distilbert", **sizes, "dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 12, "pad_token_id": 0}
own = {k: v for k, v in bert.items() if k != "model_type"}
distil = {k: v for k, v in distilbert.items() if k != "model_type"}

tokenizer = BertTokenizerFast(vocab={w: i for i, w in enumerate(WORDS)})
pieces = [{"text": t, "ids": tokenizer(t, truncation=True, max_length=12)["input_ids"]} for t in TEXTS]

path = pathlib.Path(__file__).with_suffix(".json")
kept = json.loads(path.read_text())["sentences"] if path.exists() else []
path.write_text(json.dumps({
    "networks": [network("bert", BertModel(BertConfig(**own)), bert),
                 network("distilbert", DistilBertModel(DistilBertConfig(**distil)), distilbert)],
    "vocabulary": WORDS, "pieces": pieces,
    "sentences": sentences(sys.argv[1]) if len(sys.argv) > 1 else kept,
}) + "\n")
