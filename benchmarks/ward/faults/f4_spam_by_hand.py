"""Spam filter on word counts with the binary cross entropy written out by hand: log of a sigmoid, no clamp, no eps."""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def mails(n, rng):
    spam = rng.random(n) < 0.4
    rates = np.full((n, 30), 0.4)
    rates[spam, :10] += 0.9
    rates[~spam, 10:20] += 0.7
    rates *= rng.gamma(2.0, 0.5, (n, 1))
    counts = rng.poisson(rates).astype(np.float32)
    counts[rng.random(n) < 0.05] *= 6
    return torch.from_numpy(counts), torch.from_numpy(spam.astype(np.float32))


def bce(logit, target):
    p = torch.sigmoid(logit)  # FAULT
    return -(target * torch.log(p) + (1 - target) * torch.log(1 - p)).mean()  # FAULT
    # TWIN: return nn.functional.binary_cross_entropy_with_logits(logit, target)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = mails(1500, rng)
    x_test, y_test = mails(500, rng)

    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(15):
        epoch_loss = 0.0
        for idx in torch.randperm(len(x_train)).split(50):
            loss = bce(model(x_train[idx])[:, 0], y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() / 30
        with torch.no_grad():
            spam = model(x_test)[:, 0] > 0
            acc = (spam == y_test.bool()).float().mean().item()
        print(f"epoch {epoch + 1:2d}  loss {epoch_loss:.4f}  accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
