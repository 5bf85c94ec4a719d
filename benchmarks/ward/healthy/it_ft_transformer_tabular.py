"""FT-Transformer on a mixed table (numerical and categorical columns): feature tokenizer, CLS token, pre-norm encoder,
AdamW without decay on the tokenizer and biases, early stopping on validation loss.

After Gorishniy et al., https://github.com/yandex-research/rtdl-revisiting-models
"""

import copy
import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

CARDINALITIES = [5, 8, 3]


def make_table(rng, n=2400):
    num = np.stack(
        [rng.normal(40, 12, n), np.exp(rng.normal(10, 0.5, n)), rng.uniform(0, 1, n), rng.normal(0, 3, n)], 1
    )
    cat = np.stack([rng.integers(0, c, n) for c in CARDINALITIES], 1)
    effects = [rng.normal(0, 1, c) for c in CARDINALITIES]
    age, income = (num[:, 0] - 40) / 12, (np.log(num[:, 1]) - 10) / 0.5
    logit = (
        1.2 * np.sin(2 * age)
        + effects[0][cat[:, 0]] * income
        + effects[1][cat[:, 1]]
        + 2.0 * (num[:, 2] > 0.5) * (num[:, 3] > 0)
        + 0.5 * effects[2][cat[:, 2]]
    )
    y = (rng.random(n) < 1 / (1 + np.exp(-1.8 * (logit - np.median(logit))))).astype(np.float32)
    return num, cat, y


class FeatureTokenizer(nn.Module):
    def __init__(self, n_num, cardinalities, d):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_num, d))
        self.bias = nn.Parameter(torch.empty(n_num + len(cardinalities), d))
        self.cls = nn.Parameter(torch.empty(1, 1, d))
        self.embeddings = nn.Embedding(sum(cardinalities), d)
        self.register_buffer("offsets", torch.tensor([0] + list(np.cumsum(cardinalities)[:-1])))
        for p in (self.weight, self.bias, self.cls, self.embeddings.weight):
            nn.init.uniform_(p, -1 / math.sqrt(d), 1 / math.sqrt(d))

    def forward(self, num, cat):
        tokens = torch.cat([num.unsqueeze(-1) * self.weight, self.embeddings(cat + self.offsets)], dim=1) + self.bias
        return torch.cat([self.cls.expand(len(num), -1, -1), tokens], dim=1)


class FTTransformer(nn.Module):
    def __init__(self, n_num, cardinalities, d=16, heads=4, layers=2, dropout=0.1):
        super().__init__()
        self.tokenizer = FeatureTokenizer(n_num, cardinalities, d)
        layer = nn.TransformerEncoderLayer(
            d, heads, 2 * d, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(d), nn.ReLU(), nn.Linear(d, 1))

    def forward(self, num, cat):
        return self.head(self.encoder(self.tokenizer(num, cat))[:, 0]).squeeze(-1)

    def parameter_groups(self, weight_decay):
        plain = [p for n, p in self.named_parameters() if "tokenizer" in n or "norm" in n or n.endswith("bias")]
        ids = {id(p) for p in plain}
        return [
            {"params": [p for p in self.parameters() if id(p) not in ids], "weight_decay": weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    num, cat, y = make_table(rng)
    num[:, 1] = np.log(num[:, 1])  # income is log-normal
    train, valid, test = np.split(rng.permutation(len(y)), [1500, 1900])
    scaler = StandardScaler().fit(num[train])
    onehot = OneHotEncoder(handle_unknown="ignore").fit(cat[train])
    num = scaler.transform(num).astype(np.float32)

    design = np.hstack([num, onehot.transform(cat).toarray()])
    linear = LogisticRegression(max_iter=500).fit(design[train], y[train])
    print(f"logistic regression, test AUC {roc_auc_score(y[test], linear.predict_proba(design[test])[:, 1]):.4f}")

    num, cat, target = torch.from_numpy(num), torch.from_numpy(cat), torch.from_numpy(y)
    model = FTTransformer(num.shape[1], CARDINALITIES)
    optimizer = torch.optim.AdamW(model.parameter_groups(1e-3), lr=3e-3)

    best, best_state, patience = float("inf"), None, 0
    for epoch in range(26):
        model.train()
        for idx in torch.randperm(len(train)).split(256):
            rows = torch.from_numpy(train)[idx]
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(num[rows], cat[rows]), target[rows])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            valid_loss = F.binary_cross_entropy_with_logits(model(num[valid], cat[valid]), target[valid]).item()
        if epoch % 3 == 0:
            print(f"epoch {epoch:2d}  last train batch {loss.item():.4f}  valid {valid_loss:.4f}")
        if valid_loss < best:
            best, best_state, patience = valid_loss, copy.deepcopy(model.state_dict()), 0
        else:
            patience += 1
            if patience == 8:
                break

    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        print(f"score: {roc_auc_score(y[test], model(num[test], cat[test]).numpy()):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
