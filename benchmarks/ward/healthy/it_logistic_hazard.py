"""Discrete-time survival with the logistic-hazard network: durations on a grid of quantiles, negative log-likelihood of the
hazards, concordance on held-out patients.

After "LogisticHazard" of https://github.com/havakv/pycox
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

N_CUTS = 12


def simulate(rng, n):
    x = rng.normal(size=(n, 9)).astype(np.float32)
    risk = 0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.7 * np.abs(x[:, 2]) + 0.5 * x[:, 3] * x[:, 4]
    event_time = 10 * rng.weibull(1.5, n) * np.exp(-risk / 1.5)
    censor_time = rng.uniform(2, 20, n)
    return x, np.minimum(event_time, censor_time), (event_time <= censor_time).astype(np.float32)


def make_cuts(time, event):
    """Inner edges at quantiles of the observed event times of the training set."""
    return np.quantile(time[event == 1], np.linspace(0, 1, N_CUTS + 1)[1:-1])


def nll_logistic_hazard(phi, idx, event):
    """Bernoulli likelihood of the event indicator in every interval up to the last one observed."""
    target = torch.zeros_like(phi).scatter_(1, idx.view(-1, 1), event.view(-1, 1))
    at_risk = (torch.arange(phi.shape[1]) <= idx.view(-1, 1)).float()
    bce = F.binary_cross_entropy_with_logits(phi, target, reduction="none")
    return (bce * at_risk).sum(1).mean()


def survival(phi):
    return torch.cumprod(1 - torch.sigmoid(phi), dim=1)


def concordance(score, time, event):
    comparable = (time[:, None] < time[None, :]) & (event[:, None] == 1)
    d = score[:, None] - score[None, :]
    return ((d > 0) + 0.5 * (d == 0))[comparable].mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, val, test = simulate(rng, 2000), simulate(rng, 500), simulate(rng, 1000)
    cuts = make_cuts(train[1], train[2])
    data = {
        name: (torch.from_numpy(x), torch.from_numpy(np.digitize(t, cuts)), torch.from_numpy(e))
        for name, (x, t, e) in (("train", train), ("val", val), ("test", test))
    }
    print(f"share of events {train[2].mean():.2f}, intervals {N_CUTS}")

    net = nn.Sequential(
        nn.Linear(9, 32),
        nn.ReLU(),
        nn.BatchNorm1d(32),
        nn.Dropout(0.1),
        nn.Linear(32, 32),
        nn.ReLU(),
        nn.BatchNorm1d(32),
        nn.Dropout(0.1),
        nn.Linear(32, N_CUTS),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    best, state, bad = float("inf"), None, 0
    x, idx, event = data["train"]
    for epoch in range(50):
        net.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(200):
            optimizer.zero_grad()
            loss = nll_logistic_hazard(net(x[rows]), idx[rows], event[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        net.eval()
        with torch.no_grad():
            val_loss = nll_logistic_hazard(net(data["val"][0]), *data["val"][1:]).item()
        if epoch % 5 == 0:
            print(f"{epoch}:\ttrain_loss: {total:.4f},\tval_loss: {val_loss:.4f}")
        if val_loss < best:
            best, state, bad = val_loss, {k: v.clone() for k, v in net.state_dict().items()}, 0
        elif (bad := bad + 1) >= 8:
            print(f"early stopping after epoch {epoch}")
            break

    net.load_state_dict(state)
    net.eval()
    with torch.no_grad():
        expected = survival(net(data["test"][0])).sum(1).numpy()
    print(f"score: {concordance(-expected, test[1], test[2]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
