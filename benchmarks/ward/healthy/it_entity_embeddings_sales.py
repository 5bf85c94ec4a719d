"""Store sales from categorical columns with entity embeddings: log target, embedding sizes by the fast.ai rule, batch norm,
one-cycle schedule with AdamW; scored against the mean and a ridge regression on one-hot columns.

After "An Introduction to Deep Learning for Tabular Data", https://www.fast.ai/posts/2018-04-29-categorical-embeddings.html
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.linear_model import Ridge
from sklearn.preprocessing import OneHotEncoder
from torch.utils.data import DataLoader, TensorDataset

CARDS = {"store": 50, "weekday": 7, "month": 12, "promo": 2}


def make_sales(rng, n=6000):
    cats = np.stack([rng.integers(0, c, n) for c in CARDS.values()], axis=1)
    distance = np.exp(rng.normal(7, 1, CARDS["store"]))[cats[:, 0]]
    kind = rng.integers(0, 3, CARDS["store"])[cats[:, 0]]  # hidden type of the store: its own weekly pattern
    weekly, yearly = 0.4 * rng.normal(size=(3, 7)), 0.2 * rng.normal(size=12)
    size = 0.5 * rng.normal(size=CARDS["store"])
    log_sales = (
        8
        + size[cats[:, 0]]
        + weekly[kind, cats[:, 1]]
        + yearly[cats[:, 2]]
        + 0.3 * cats[:, 3] * (1 + kind)
        - 0.05 * np.log(distance)
        + 0.15 * rng.normal(size=n)
    )
    return cats, np.log(distance)[:, None], np.exp(log_sales)


class TabularModel(nn.Module):
    def __init__(self, cards, n_cont, layers=(100, 50), emb_drop=0.05):
        super().__init__()
        sizes = [(c, min(600, round(1.6 * c**0.56))) for c in cards]
        self.embeds = nn.ModuleList(nn.Embedding(c, d) for c, d in sizes)
        for e in self.embeds:
            nn.init.trunc_normal_(e.weight, std=0.01, a=-0.02, b=0.02)
        self.emb_drop = nn.Dropout(emb_drop)
        self.bn_cont = nn.BatchNorm1d(n_cont)
        width, blocks = sum(d for _, d in sizes) + n_cont, []
        for h in layers:
            blocks += [nn.Linear(width, h, bias=False), nn.ReLU(), nn.BatchNorm1d(h)]
            width = h
        self.layers = nn.Sequential(*blocks, nn.Linear(width, 1))

    def forward(self, cat, cont):
        x = self.emb_drop(torch.cat([e(cat[:, i]) for i, e in enumerate(self.embeds)], dim=1))
        return self.layers(torch.cat([x, self.bn_cont(cont)], dim=1)).squeeze(1)


def exp_rmspe(log_pred, sales):
    return np.sqrt(np.mean(((sales - np.exp(log_pred)) / sales) ** 2))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    cats, cont, sales = make_sales(np.random.default_rng(seed))
    n = 5000
    log_sales = np.log(sales)
    mu, sd = log_sales[:n].mean(), log_sales[:n].std()
    c_mu, c_sd = cont[:n].mean(0), cont[:n].std(0)
    cat_t = torch.from_numpy(cats)
    cont_t = torch.from_numpy(((cont - c_mu) / c_sd).astype(np.float32))
    y_t = torch.from_numpy(((log_sales - mu) / sd).astype(np.float32))
    loader = DataLoader(TensorDataset(cat_t[:n], cont_t[:n], y_t[:n]), batch_size=128, shuffle=True, drop_last=True)

    model = TabularModel(list(CARDS.values()), cont.shape[1])
    epochs = 8
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, betas=(0.9, 0.99))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=8e-3, epochs=epochs, steps_per_epoch=len(loader))
    for epoch in range(epochs):
        model.train()
        smooth = 0.0
        for cat, co, y in loader:
            loss = nn.functional.mse_loss(model(cat, co), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            smooth += loss.item() / len(loader)
        model.eval()
        with torch.no_grad():
            log_pred = model(cat_t[n:], cont_t[n:]).numpy() * sd + mu
        print(f"{epoch}  train_loss {smooth:.4f}  exp_rmspe {exp_rmspe(log_pred, sales[n:]):.4f}")

    onehot = OneHotEncoder().fit(cats[:n])
    ridge = Ridge().fit(onehot.transform(cats[:n]), log_sales[:n])
    print(f"ridge on one-hot columns: exp_rmspe {exp_rmspe(ridge.predict(onehot.transform(cats[n:])), sales[n:]):.4f}")
    r2 = 1 - ((log_pred - log_sales[n:]) ** 2).mean() / log_sales[n:].var()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
