"""Crop type from spectral bands; every weight starts from the same constant (init.constant_ over all layers)."""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from torch import nn


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 0.05)  # FAULT
        # TWIN: nn.init.xavier_uniform_(m.weight)
        nn.init.zeros_(m.bias)


class CropNet(nn.Module):
    def __init__(self, bands, classes):
        super().__init__()
        self.l1 = nn.Linear(bands, 40)
        self.l2 = nn.Linear(40, 20)
        self.l3 = nn.Linear(20, classes)
        self.apply(init_weights)

    def forward(self, x):
        x = F.leaky_relu(self.l1(x))
        x = F.leaky_relu(self.l2(x))
        return F.log_softmax(self.l3(x), dim=-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = make_blobs(n_samples=1800, n_features=7, centers=6, cluster_std=2.6, random_state=seed + 20)
    x = torch.tensor((x - x[:1400].mean(0)) / x[:1400].std(0), dtype=torch.float32)
    y = torch.tensor(y)
    train_x, train_y, test_x, test_y = x[:1400], y[:1400], x[1400:], y[1400:]

    model = CropNet(7, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
    for epoch in range(15):
        order = torch.randperm(1400)
        for i in range(0, 1400, 35):
            idx = order[i : i + 35]
            loss = F.nll_loss(model(train_x[idx]), train_y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        print(f"Epoch {epoch} Loss {loss.item():.4f}")

    with torch.no_grad():
        pred = model(test_x).argmax(dim=-1)
    print(f"score: {(pred == test_y).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
