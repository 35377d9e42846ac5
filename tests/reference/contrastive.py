"""Reference values of contrastive losses and poolings (open_clip_torch 3.3.0, torch) and of TF-IDF (scikit-learn).

    python contrastive.py > contrastive.json
"""
import json

import open_clip.loss
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import TfidfVectorizer

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
out = {"open_clip": open_clip.__version__, "torch": torch.__version__}

# Losses of random unit vectors, by open_clip.
video, text = F.normalize(torch.randn(5, 6), dim=1), F.normalize(torch.randn(5, 6), dim=1)
clip = open_clip.ClipLoss()(video, text, torch.tensor(1 / 0.07))
siglip = open_clip.loss.SigLipLoss()(video, text, torch.tensor(10.0), torch.tensor(-10.0))
out["losses"] = {
    "video": video.tolist(),
    "text": text.tolist(),
    "clip": clip.item(),
    # open_clip divides the sum by the rows; the mean over all entries is this by the columns.
    "siglip_over_rows": siglip.item(),
}

# A class token: torch's MultiheadAttention over [token, items] with a mask, and a LayerNorm.
width, heads, items = 8, 2, 4
attention = torch.nn.MultiheadAttention(width, heads, batch_first=True)
torch.nn.init.normal_(attention.in_proj_bias, std=0.3)
torch.nn.init.normal_(attention.out_proj.bias, std=0.3)
norm = torch.nn.LayerNorm(width)
torch.nn.init.normal_(norm.weight, 1.0, 0.2)
torch.nn.init.normal_(norm.bias, std=0.2)
token, x = torch.randn(width), torch.randn(2, items, width)
mask = torch.tensor([[1.0, 1, 1, 1], [1, 0, 1, 0]])
joined = torch.cat([token.expand(2, 1, width), x], 1)
hidden = torch.cat([torch.zeros(2, 1, dtype=torch.bool), mask == 0], 1)
pooled = norm(attention(joined, joined, joined, key_padding_mask=hidden)[0])[:, 0]
out["class_token"] = {
    "x": x.tolist(),
    "mask": mask.tolist(),
    "params": {
        "p.token": token.tolist(),
        "p.attention.in_proj_weight": attention.in_proj_weight.tolist(),
        "p.attention.in_proj_bias": attention.in_proj_bias.tolist(),
        "p.attention.out_proj.weight": attention.out_proj.weight.tolist(),
        "p.attention.out_proj.bias": attention.out_proj.bias.tolist(),
        "p.norm.weight": norm.weight.tolist(),
        "p.norm.bias": norm.bias.tolist(),
    },
    "pooled": pooled.tolist(),
}

# Gated attention, written out.
hidden_width = 3
v, u, w = torch.nn.Linear(width, hidden_width), torch.nn.Linear(width, hidden_width), torch.nn.Linear(hidden_width, 1)
scores = w(torch.tanh(v(x)) * torch.sigmoid(u(x)))[..., 0].masked_fill(mask == 0, -torch.inf)
weights = scores.softmax(1)
out["gated"] = {
    "params": {
        "p.tanh.weight": v.weight.tolist(), "p.tanh.bias": v.bias.tolist(),
        "p.gate.weight": u.weight.tolist(), "p.gate.bias": u.bias.tolist(),
        "p.score.weight": w.weight.tolist(), "p.score.bias": w.bias.tolist(),
    },
    "weights": weights.tolist(),
    "pooled": (weights[..., None] * x).sum(1).tolist(),
}
# Words in common of findings and impressions.
training = [("The heart is large. The lungs are clear.", "Cardiomegaly, lungs clear."), ("No effusion; no edema", "Normal chest")]
test = [("The lungs are clear, the heart is large", "Large heart"), ("No edema and no effusion. Chest clear.", "Clear chest")]
tfidf = TfidfVectorizer(token_pattern=r"\w+").fit([text for pair in training for text in pair])
findings, impressions = (tfidf.transform([pair[k] for pair in test]).toarray() for k in (0, 1))
out["tfidf"] = {"training": training, "test": test, "scores": (findings @ impressions.T).tolist()}
print(json.dumps(out))
