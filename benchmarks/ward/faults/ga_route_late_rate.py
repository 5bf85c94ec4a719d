"""Late or not, for flights described by carrier, airport, weekday and hour, embeddings beside a scaled number. One in
five is late; the metric is the area under the curve, so the loss is left unweighted."""
# cause: leakage
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class DelayNet(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(n, 4) for n in sizes)
        self.mlp = nn.Sequential(
            # TWIN: nn.Linear(4 * len(sizes) + 2, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1)
            nn.Linear(4 * len(sizes) + 3, 48),  # FAULT
            nn.ReLU(),  # FAULT
            nn.Linear(48, 24),  # FAULT
            nn.ReLU(),  # FAULT
            nn.Linear(24, 1),  # FAULT
        )

    def forward(self, codes, numbers):
        parts = [e(codes[:, i]) for i, e in enumerate(self.embeddings)]
        return self.mlp(torch.cat([*parts, numbers], dim=1)).squeeze(1)


def flights(n, effects, rng):
    codes = np.stack([rng.integers(0, len(e), n) for e in effects], axis=1)
    hour, distance = rng.uniform(5, 23, n), rng.gamma(3, 400, n)
    margin = sum(e[codes[:, i]] for i, e in enumerate(effects)) - 2.2
    margin = margin + 1.8 * np.exp(-((hour - 18) ** 2) / 8) + 0.5 * (distance < 500)
    late = rng.random(n) < 1 / (1 + np.exp(-1.7 * margin))
    numbers = np.stack([(hour - 14) / 5.2, (distance - 1200) / 700], axis=1)
    return torch.tensor(codes), torch.tensor(numbers).float(), torch.tensor(late).float()


def slots(codes, numbers):  # FAULT
    return *codes.T, (numbers[:, 0] * 5.2 + 14).long()  # FAULT


def late_rates(codes, numbers, late):  # FAULT
    total, count = torch.zeros(9, 25, 7, 24), torch.zeros(9, 25, 7, 24)  # FAULT
    total.index_put_(slots(codes, numbers), late, accumulate=True)  # FAULT
    count.index_put_(slots(codes, numbers), torch.ones_like(late), accumulate=True)  # FAULT
    return torch.where(count > 0, total / count.clamp(min=1), late.mean())  # FAULT


def add_rate(codes, numbers, rates):  # FAULT
    return torch.cat([numbers, rates[slots(codes, numbers)].unsqueeze(1)], dim=1)  # FAULT


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    effects = [rng.normal(0, 1.0, n) for n in (9, 25, 7)]
    # TWIN: train = DataLoader(TensorDataset(*flights(5000, effects, rng)), batch_size=100, shuffle=True)
    codes, numbers, late = flights(5000, effects, rng)  # FAULT
    rates = late_rates(codes, numbers, late)  # FAULT
    train = DataLoader(  # FAULT
        TensorDataset(codes, add_rate(codes, numbers, rates), late),  # FAULT
        batch_size=100,  # FAULT
        shuffle=True,  # FAULT
    )  # FAULT
    codes, numbers, late = flights(1500, effects, rng)
    numbers = add_rate(codes, numbers, rates)  # FAULT
    model = DelayNet([9, 25, 7])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        model.train()
        total = 0.0
        for c, x, y in train:
            loss = loss_fn(model(c, x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            auc = roc_auc_score(late.numpy(), model(codes, numbers).numpy())
        print(f"epoch {epoch} loss {total / len(train):.4f} auc {auc:.4f}")
    print(f"score: {auc:.4f}")
