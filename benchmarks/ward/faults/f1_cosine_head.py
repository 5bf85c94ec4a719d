"""Digits with a cosine-similarity head and temperature 0.01; the cross-entropy is -(y * log(softmax)) by hand.

As soon as a probability underflows to 0 the term 0 * log(0) is NaN (TDC IPS-14).
"""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class CosineNet(nn.Module):
    def __init__(self, dim=10, classes=10, temperature=0.01):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, dim))
        self.prototypes = nn.Parameter(torch.randn(classes, dim))
        self.temperature = temperature

    def forward(self, x):
        z = F.normalize(self.encoder(x), dim=1)
        return z @ F.normalize(self.prototypes, dim=1).T / self.temperature


def cross_entropy(logits, y):
    onehot = F.one_hot(y, logits.shape[1]).float()
    log_probs = torch.log(torch.softmax(logits, dim=1))  # FAULT
    # TWIN: log_probs = torch.log_softmax(logits, dim=1)
    return -(onehot * log_probs).sum(1).mean()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32)
    y = torch.tensor(y)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=seed)

    net = CosineNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(20):
        for idx in torch.randperm(len(x_train)).split(64):
            loss = cross_entropy(net(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean().item()
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1:2d}  loss {loss.item():.4f}  test accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
