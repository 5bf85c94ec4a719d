"""Time to failure of pumps with right censoring: a small MLP gives the log hazard, Cox partial likelihood within
batches (Breslow), Adam, early stopping on the validation loss. Score: concordance index on test pumps.
"""

import sys
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


@dataclass
class Config:
    seed: int = 0
    hidden: int = 32
    dropout: float = 0.1
    lr: float = 2e-3
    weight_decay: float = 1e-3
    batch_size: int = 256
    max_epochs: int = 60
    patience: int = 8


def pumps(n, rng):
    x = rng.normal(size=(n, 8))
    hours, heat, shake = x[:, 0], x[:, 1], x[:, 2]
    risk = 0.8 * hours + 0.7 * heat**2 + 0.9 * shake * (heat > 0) - 0.6 * np.abs(x[:, 3])
    failure = rng.weibull(1.5, n) * 10 * np.exp(-risk / 1.5)
    censor = rng.exponential(14, n)
    return x, np.minimum(failure, censor), failure <= censor


def cox_loss(log_hazard, time, event):
    order = time.argsort(descending=True)
    log_hazard, event = log_hazard[order], event[order]
    log_risk = torch.logcumsumexp(log_hazard, 0)
    return -((log_hazard - log_risk) * event).sum() / event.sum().clamp(min=1)


def concordance(risk, time, event):
    comparable = (time[:, None] < time[None]) & event.bool()[:, None]
    better = (risk[:, None] > risk[None]).float() + 0.5 * (risk[:, None] == risk[None]).float()
    return (better * comparable).sum().item() / comparable.sum().item()


def main(cfg):
    torch.manual_seed(cfg.seed)
    x, time, event = pumps(5000, np.random.default_rng(cfg.seed))
    tensors = [torch.tensor(a, dtype=torch.float32) for a in (x, time, event)]
    train, val, test = ([t[s] for t in tensors] for s in (slice(0, 3000), slice(3000, 4000), slice(4000, None)))
    loader = DataLoader(TensorDataset(*train), cfg.batch_size, shuffle=True, drop_last=True)
    h = cfg.hidden
    net = nn.Sequential(
        nn.Linear(8, h), nn.ReLU(), nn.Dropout(cfg.dropout), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 1), nn.Flatten(0)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    best, wait, state = float("inf"), 0, None
    for epoch in range(1, cfg.max_epochs + 1):
        net.train()
        total = 0.0
        for xb, tb, eb in loader:
            loss = cox_loss(net(xb), tb, eb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            risk = net(val[0])
        val_loss = cox_loss(risk, *val[1:]).item()
        if epoch % 5 == 0:
            print(
                f"epoch {epoch}: train {total / len(loader):.4f} val {val_loss:.4f} c {concordance(risk, *val[1:]):.4f}"
            )
        if val_loss < best - 1e-4:
            best, wait, state = val_loss, 0, {k: v.clone() for k, v in net.state_dict().items()}
        else:
            wait += 1
            if wait >= cfg.patience:
                print(f"early stop at epoch {epoch}")
                break
    net.load_state_dict(state)
    net.eval()
    with torch.no_grad():
        print(f"score: {concordance(net(test[0]), *test[1:]):.4f}")


if __name__ == "__main__":
    main(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
