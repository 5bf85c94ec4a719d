"""Trains a digit network, then adds a second head (parity of photographed digits); digit reading should stay as good as it was.

After a report remembered: discuss.pytorch.org, "How to freeze BN layers while training the rest of network (mean and var wont freeze)"
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(64, 96),
            nn.BatchNorm1d(96),
            nn.ReLU(),
            nn.Linear(96, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
        )
        self.digit_head = nn.Linear(64, 10)
        self.parity_head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, x, head):
        features = self.backbone(x)
        return self.digit_head(features) if head == "digit" else self.parity_head(features)


def accuracy(model, x, y, head):
    model.eval()
    with torch.no_grad():
        return (model(x, head).argmax(1) == y).float().mean().item()


def train_digits(model, x, y, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(x)).split(32):
            loss = criterion(model(x[idx], "digit"), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"[digits] epoch {epoch} loss {loss.item():.4f}")


def train_parity(model, x, y, x_val, y_val, epochs):
    for p in model.backbone.parameters():
        p.requires_grad = False
    for p in model.digit_head.parameters():
        p.requires_grad = False
    optimizer = torch.optim.Adam(model.parity_head.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()  # FAULT
        # TWIN: model.eval()
        # TWIN: model.parity_head.train()
        for idx in torch.randperm(len(x)).split(32):
            loss = criterion(model(x[idx], "parity"), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 2 == 1:
            print(f"[parity] epoch {epoch} loss {loss.item():.4f} val {accuracy(model, x_val, y_val, 'parity'):.4f}")


def photograph(scans, rng):
    """Lower contrast, grey background and some grain."""
    return 0.5 + 0.45 * scans + rng.normal(0, 0.05, size=scans.shape)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    data = load_digits()
    order = rng.permutation(len(data.target))
    scans, digits = data.data[order] / 16.0, data.target[order]
    photos = photograph(scans, rng)
    scans, photos = (torch.tensor(a, dtype=torch.float32) for a in (scans, photos))
    digits = torch.tensor(digits)
    parity = digits % 2

    model = TwoHeads()
    train_digits(model, scans[:700], digits[:700], epochs=10)
    print(f"digits on scans after the first stage: {accuracy(model, scans[1400:], digits[1400:], 'digit'):.4f}")

    train_parity(model, photos[700:1400], parity[700:1400], photos[1400:], parity[1400:], epochs=10)
    on_scans = accuracy(model, scans[1400:], digits[1400:], "digit")
    on_photos = accuracy(model, photos[1400:], parity[1400:], "parity")
    print(f"digits on scans: {on_scans:.4f}, parity on photographs: {on_photos:.4f}")
    print(f"score: {on_scans:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
