"""Predicts how the votes of a district split over five lists, from twelve census figures.

After a report remembered: discuss.pytorch.org, "KL divergence produces negative values"
"""
# cause: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_FEATURES, N_LISTS = 12, 5


def make_districts(rng, n):
    world = np.random.default_rng(1234)
    W = world.normal(0, 0.6, size=(N_FEATURES, 10))
    V = world.normal(0, 0.7, size=(10, N_LISTS))
    x = rng.normal(size=(n, N_FEATURES))
    score = np.tanh(x @ W) @ V + rng.normal(0, 0.1, size=(n, N_LISTS))
    shares = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(shares, dtype=torch.float32)


class ShareNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(N_FEATURES, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, N_LISTS)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def distance(model, x, shares):
    """Mean share of the votes that is given to the wrong list."""
    model.eval()
    with torch.no_grad():
        predicted = F.softmax(model(x), dim=1)
    return 0.5 * (predicted - shares).abs().sum(dim=1).mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, p_train = make_districts(rng, 1500)
    x_val, p_val = make_districts(rng, 400)

    model = ShareNet()
    kl_loss = nn.KLDivLoss(reduction="batchmean")
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(15):
        model.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(32):
            optimizer.zero_grad()
            output = model(x_train[idx])
            loss = kl_loss(F.softmax(output, dim=1), p_train[idx])  # FAULT
            # TWIN: loss = kl_loss(F.log_softmax(output, dim=1), p_train[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d} kl {np.mean(losses):.4f} misplaced votes {distance(model, x_val, p_val):.4f}")

    print(f"score: {1.0 - distance(model, x_val, p_val):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
