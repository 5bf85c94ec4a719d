"""DeepSurv: a small network for the log hazard, trained with the Cox partial likelihood on simulated right-censored data
with a partly non-linear risk function; early stopping on the validation concordance.

After Katzman et al., https://github.com/jaredleekatzman/DeepSurv, and the losses of https://github.com/Novartis/torchsurv
"""

import copy
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def simulate(rng, n, d=10):
    """Three of the covariates matter: a Gaussian bump in the first two, and a linear effect."""
    x = rng.uniform(-1, 1, (n, d))
    risk = 2.5 * np.exp(-(x[:, 0] ** 2 + x[:, 1] ** 2) / (2 * 0.5**2)) + 1.0 * x[:, 2]
    t_event = rng.exponential(5.0 / np.exp(risk))
    t_censor = rng.exponential(6.0, n)
    time = np.minimum(t_event, t_censor)
    event = (t_event <= t_censor).astype(np.float32)
    return x.astype(np.float32), time.astype(np.float32), event, risk


def cox_loss(log_hazard, time, event):
    """Negative partial log-likelihood (Breslow); times are continuous, so there are no ties to speak of."""
    order = torch.argsort(time, descending=True)
    h, e = log_hazard[order], event[order]
    log_risk_set = torch.logcumsumexp(h, dim=0)
    return -((h - log_risk_set) * e).sum() / e.sum().clamp(min=1.0)


def concordance(risk, time, event):
    comparable = (time[:, None] < time[None, :]) & (event[:, None] > 0)
    diff = risk[:, None] - risk[None, :]
    good = (diff > 0) + 0.5 * (diff == 0)
    return float(good[comparable].mean())


class DeepSurv(nn.Module):
    def __init__(self, d, hidden=(48, 48), dropout=0.15):
        super().__init__()
        layers = []
        for h in hidden:
            layers += [nn.Linear(d, h), nn.ReLU(), nn.Dropout(dropout)]
            d = h
        layers.append(nn.Linear(d, 1, bias=False))  # the baseline hazard takes up any constant
        self.net = nn.Sequential(*layers)

    def forward(self, x):
        return self.net(x).squeeze(-1)


@torch.no_grad()
def evaluate(model, x, time, event):
    model.eval()
    return concordance(model(torch.from_numpy(x)).numpy(), time, event)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, valid, test = simulate(rng, 3000), simulate(rng, 800), simulate(rng, 1500)
    mean, std = train[0].mean(0), train[0].std(0)
    x_train, x_valid, x_test = [(part[0] - mean) / std for part in (train, valid, test)]
    print(f"events in training data: {train[2].mean():.2f}")

    loader = DataLoader(
        TensorDataset(torch.from_numpy(x_train), torch.from_numpy(train[1]), torch.from_numpy(train[2])),
        batch_size=256,
        shuffle=True,
        drop_last=True,
    )
    model = DeepSurv(x_train.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=5)

    best, best_state, wait = 0.0, None, 0
    for epoch in range(50):
        model.train()
        total = 0.0
        for x, time, event in loader:
            loss = cox_loss(model(x), time, event)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
        c_valid = evaluate(model, x_valid, valid[1], valid[2])
        scheduler.step(c_valid)
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d}  loss {total / len(loader):.4f}  valid c-index {c_valid:.4f}")
        if c_valid > best:
            best, best_state, wait = c_valid, copy.deepcopy(model.state_dict()), 0
        else:
            wait += 1
            if wait >= 15:
                print(f"stop at epoch {epoch}")
                break

    model.load_state_dict(best_state)
    print(f"c-index of the true risk: {concordance(test[3], test[1], test[2]):.4f}")
    print(f"score: {evaluate(model, x_test, test[1], test[2]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
