"""Psychology: predict log reaction times in a flanker task from trial features plus an embedding of the participant."""

import sys

import numpy as np
import torch
from torch import nn


class TrialModel(nn.Module):
    def __init__(self, participants, features):
        super().__init__()
        self.person = nn.Embedding(participants, 4)
        nn.init.normal_(self.person.weight, std=0.1)
        self.body = nn.Sequential(nn.Linear(features + 4, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, person, trial):
        return self.body(torch.cat([self.person(person), trial], dim=1))[:, 0]


def simulate(participants=40, trials=100, seed=0):
    rng = np.random.default_rng(seed)
    base, effect = rng.normal(6.1, 0.18, participants), rng.normal(0.16, 0.05, participants)
    rows = []
    for p in range(participants):
        for t in range(trials):
            incongruent, previous = rng.integers(0, 2), rng.integers(0, 2)
            contrast, soa = rng.uniform(0.1, 1.0), rng.uniform(0, 1)
            log_rt = base[p] + effect[p] * incongruent * (1 - 0.5 * previous) - 0.15 * np.log(contrast)
            log_rt += -0.12 * t / trials + 0.1 * np.cos(np.pi * soa) + rng.normal(0, 0.12)
            rows.append(
                (p, incongruent - 0.5, previous - 0.5, 2 * contrast - 1.1, 2 * soa - 1, 2 * t / trials - 1, log_rt)
            )
    return np.array(rows, dtype=np.float32)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    table = torch.from_numpy(simulate(seed=seed))
    table = table[torch.randperm(len(table))]
    person, trial, log_rt = table[:, 0].long(), table[:, 1:6], table[:, 6]
    n = int(0.8 * len(table))
    mean, std = log_rt[:n].mean(), log_rt[:n].std()
    z = (log_rt - mean) / std

    model = TrialModel(40, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    for epoch in range(30):
        model.train()
        total = 0.0
        for idx in torch.randperm(n).split(80):
            prediction = model(person[idx], trial[idx])
            loss = torch.mean((prediction - z[idx]) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        if epoch % 5 == 4:
            model.eval()
            with torch.no_grad():
                held_out = torch.mean((model(person[n:], trial[n:]) - z[n:]) ** 2)
            print(f"epoch {epoch + 1}: mse {total / n:.4f}, held-out mse {held_out:.4f}")

    model.eval()
    with torch.no_grad():
        error = model(person[n:], trial[n:]) - z[n:]
        cost = [model(torch.arange(40), torch.tensor([[c, 0.0, 0, 0, 0]]).expand(40, 5)) for c in (0.5, -0.5)]
    print(f"average congruency cost: {((cost[0] - cost[1]) * std).mean():.3f} log ms")
    print(f"score: {1 - error.square().mean() / z[n:].var():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
