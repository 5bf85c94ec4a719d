"""Nodule or no nodule: a convolutional network that looks at the same spot in crops of three sizes and gives one probability.

After https://discuss.pytorch.org/t/output-of-the-binary-classification-model/56327
"""
# cause: nonlinear-logits
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_scans(n, seed):
    """Scans of 24 x 24 pixels: about half have a round nodule in the middle, the others a vessel running through."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[-12:12, -12:12] + 0.5
    scans, labels = [], []
    for _ in range(n):
        label = int(rng.random() < 0.5)
        cy, cx = rng.uniform(-2, 2, 2)
        width = rng.uniform(1.5, 3.0)
        if label:
            spot = np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / (2 * width**2))
        else:
            angle = rng.uniform(0, np.pi)
            distance = (yy - cy) * np.cos(angle) + (xx - cx) * np.sin(angle)
            spot = np.exp(-(distance**2) / (2 * (0.8 * width) ** 2))
        scans.append(1.5 * spot + 0.7 * rng.standard_normal((24, 24)))
        labels.append([label])
    return torch.tensor(np.array(scans), dtype=torch.float32).unsqueeze(1), torch.tensor(labels, dtype=torch.float32)


class SeparableConv(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        return F.relu(self.norm(self.pointwise(self.depthwise(x))))


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.entry = nn.Conv2d(1, 8, 3, padding=1)
        self.sep1 = SeparableConv(8, 16)
        self.sep2 = SeparableConv(16, 24)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.entry(x)), 2)
        x = F.max_pool2d(self.sep1(x), 2)
        return F.adaptive_avg_pool2d(self.sep2(x), 2).flatten(1)


class XceptionLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch_8, self.branch_16, self.branch_24 = Branch(), Branch(), Branch()
        self.fc_last_1 = nn.Linear(3 * 24 * 4, 64)
        self.fc_last_2 = nn.Linear(64, 1)

    def forward(self, input_8, input_16, input_24):
        out = torch.cat([self.branch_8(input_8), self.branch_16(input_16), self.branch_24(input_24)], dim=1)
        out = F.relu(self.fc_last_1(out))
        out = F.relu(self.fc_last_2(out))  # FAULT
        # TWIN: out = self.fc_last_2(out)
        return torch.sigmoid(out)


def crops(scans):
    return scans[:, :, 8:16, 8:16], scans[:, :, 4:20, 4:20], scans


def accuracy(model, scans, labels):
    model.eval()
    with torch.no_grad():
        output = model(*crops(scans))
    # below 0.5 is one class, from 0.5 up the other
    return ((output >= 0.5).float() == labels).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train_x, train_y = make_scans(800, seed)
    test_x, test_y = make_scans(400, seed + 1000)

    model = XceptionLike()
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batch_size = 40
    for epoch in range(8):
        model.train()
        shuffled = torch.randperm(len(train_x))
        running_loss = 0.0
        for i in range(0, len(shuffled), batch_size):
            batch = shuffled[i : i + batch_size]
            optimizer.zero_grad()
            output = model(*crops(train_x[batch]))
            loss = criterion(output, train_y[batch])
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(batch)
        print(
            f"[epoch {epoch + 1}] loss: {running_loss / len(train_x):.4f}  "
            f"train acc: {accuracy(model, train_x, train_y):.3f}  test acc: {accuracy(model, test_x, test_y):.3f}"
        )
    print(f"score: {accuracy(model, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
