"""Diamond prices: learned embeddings for cut, colour and clarity next to numeric columns; the target is the
standardised log price. SmoothL1Loss, AdamW with OneCycleLR, keeps the mean absolute percentage error in view."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    n_rows: int = 3000
    batch_size: int = 64
    epochs: int = 18
    max_lr: float = 1e-2
    seed: int = 0


def load_diamonds(cfg):
    rng = np.random.default_rng(cfg.seed)
    carat = rng.lognormal(-0.4, 0.5, cfg.n_rows)
    depth = rng.normal(61.7, 1.4, cfg.n_rows)
    table = rng.normal(57.5, 2.2, cfg.n_rows)
    cats = np.stack([rng.integers(0, k, cfg.n_rows) for k in (5, 7, 8)], axis=1)
    clarity_value = np.array([-0.7, -0.35, -0.15, 0.0, 0.12, 0.3, 0.42, 0.5])
    log_price = (
        8.3
        + 1.7 * np.log(carat)
        + 0.05 * cats[:, 0]
        - 0.09 * cats[:, 1] * (0.6 + 0.4 * (carat > 0.7))
        + clarity_value[cats[:, 2]]
        - 0.02 * np.abs(depth - 61.7)
        + rng.normal(0, 0.1, cfg.n_rows)
    )
    numeric = np.stack([np.log(carat), depth, table], axis=1)
    return (
        torch.tensor(numeric, dtype=torch.float32),
        torch.tensor(cats),
        torch.tensor(log_price, dtype=torch.float32),
    )


class TabularModel(nn.Module):
    def __init__(self, cards=(5, 7, 8), n_numeric=3):
        super().__init__()
        self.embeds = nn.ModuleList(nn.Embedding(c, 4) for c in cards)
        self.layers = nn.Sequential(
            nn.Linear(4 * len(cards) + n_numeric, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)
        )

    def forward(self, numeric, cats):
        parts = [emb(cats[:, i]) for i, emb in enumerate(self.embeds)]
        return self.layers(torch.cat([numeric] + parts, dim=1)).flatten()


def main(cfg):
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    numeric, cats, target = load_diamonds(cfg)
    train_set, test_set = random_split(TensorDataset(numeric, cats, target), [0.8, 0.2])
    rows = torch.tensor(train_set.indices)
    mu, sigma = numeric[rows].mean(0), numeric[rows].std(0)
    t_mu, t_sigma = target[rows].mean(), target[rows].std()
    loader = DataLoader(train_set, cfg.batch_size, shuffle=True)

    model = TabularModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.max_lr / 25)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=cfg.max_lr, epochs=cfg.epochs, steps_per_epoch=len(loader)
    )
    criterion = nn.SmoothL1Loss(beta=0.5)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for num, cat, y in loader:
            loss = criterion(model((num - mu) / sigma, cat), (y - t_mu) / t_sigma)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() / len(loader)
        model.eval()
        with torch.no_grad():
            num, cat, y = test_set[:]
            log_pred = model((num - mu) / sigma, cat) * t_sigma + t_mu
            mape = ((log_pred.exp() - y.exp()).abs() / y.exp()).mean()
        print(f"epoch {epoch}: loss {total:.4f}, test MAPE {100 * mape:.2f} %")
    r2 = 1 - ((log_pred - y) ** 2).mean() / y.var(unbiased=False)
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
