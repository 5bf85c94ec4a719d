"""A denoising autoencoder with swap noise learns features from all unlabelled rows; a small head on them predicts the class.

After the Porto Seguro winner's recipe (Michael Jahrer) and the swap-noise DAE notebooks of Kaggle's Tabular Playground Series.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import QuantileTransformer


class SwapNoise:
    """Each cell is replaced, with probability p, by the same column of another row of the batch."""

    def __init__(self, p):
        self.p = p

    def __call__(self, x):
        mask = torch.rand_like(x) < self.p
        other = torch.stack([x[torch.randperm(len(x)), j] for j in range(x.size(1))], dim=1)
        return torch.where(mask, other, x)


class DAE(nn.Module):
    def __init__(self, n_features, hidden=96):
        super().__init__()
        self.body1 = nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU())
        self.body2 = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, n_features)

    def features(self, x):
        h1 = self.body1(x)
        return torch.cat([h1, self.body2(h1)], dim=1)

    def forward(self, x):
        return self.head(self.body2(self.body1(x)))


def train_dae(X, val, epochs=14, batch=128):
    model, noise = DAE(X.shape[1]), SwapNoise(0.15)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    loss_fn = nn.MSELoss()
    noisy_val = noise(val)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(X)).split(batch):
            loss = loss_fn(model(noise(X[idx])), X[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        if epoch % 2 == 1:
            model.eval()
            with torch.no_grad():
                v = loss_fn(model(noisy_val), val).item()
            print(
                f"dae epoch {epoch + 1}: train mse {total / len(X):.4f}, valid mse {v:.4f} (input {loss_fn(noisy_val, val):.4f})"
            )
    return model


def train_head(F_train, y_train, F_val, y_val, epochs=15, batch=64):
    head = nn.Sequential(nn.Dropout(0.2), nn.Linear(F_train.shape[1], 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 1))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=1e-2)
    loss_fn = nn.BCEWithLogitsLoss()
    best, best_state, patience = 0.0, None, 0
    for epoch in range(epochs):
        head.train()
        for idx in torch.randperm(len(F_train)).split(batch):
            optimizer.zero_grad()
            loss_fn(head(F_train[idx]).squeeze(1), y_train[idx]).backward()
            optimizer.step()
        auc = predict_auc(head, F_val, y_val)
        if auc > best:
            best, best_state, patience = auc, {k: v.clone() for k, v in head.state_dict().items()}, 0
        else:
            patience += 1
        print(f"head epoch {epoch + 1}: valid auc {auc:.4f}")
        if patience >= 4:
            break
    head.load_state_dict(best_state)
    return head


@torch.no_grad()
def predict_auc(head, F, y):
    head.eval()
    return roc_auc_score(y.numpy(), head(F).squeeze(1).numpy())


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = make_classification(
        5000, 24, n_informative=8, n_redundant=12, n_clusters_per_class=4, class_sep=1.0, flip_y=0.02, random_state=seed
    )
    perm = np.random.default_rng(seed).permutation(len(X))
    tr, va, te = perm[:1000], perm[1000:1500], perm[1500:2500]
    unlabelled = np.concatenate([tr, perm[2500:]])  # rows without a use of their labels
    scaler = QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=0).fit(X[unlabelled])
    Z = torch.tensor(np.clip(scaler.transform(X), -4, 4), dtype=torch.float32)
    t = torch.tensor(y, dtype=torch.float32)

    dae = train_dae(Z[unlabelled], Z[va])
    dae.eval()
    with torch.no_grad():
        F = dae.features(Z)
    mean, std = F[unlabelled].mean(0), F[unlabelled].std(0) + 1e-3
    F = (F - mean) / std
    head = train_head(F[tr], t[tr], F[va], t[va])
    linear = LogisticRegression(max_iter=1000).fit(Z[tr].numpy(), y[tr])
    base = roc_auc_score(y[te], linear.predict_proba(Z[te].numpy())[:, 1])
    auc = predict_auc(head, F[te], t[te])
    print(f"test auc: logistic regression {base:.4f}, head on DAE features {auc:.4f}")
    print(f"score: {auc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
