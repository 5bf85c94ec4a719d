"""Digit CNN with batch norm; at test time images arrive in groups of three frames of the same digit.

Fault: the test function does not call model.eval(), batch norm uses the statistics of three look-alike images.
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(seed)
torch.manual_seed(seed)
torch.set_num_threads(1)


def conv_block(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2))


class FrameNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1 = conv_block(1, 12)
        self.block2 = conv_block(12, 24)
        self.fc = nn.Sequential(nn.Linear(96, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 10))

    def forward(self, x):
        x = self.block2(self.block1(x))
        return self.fc(torch.flatten(x, 1))


def test(model, clips, clip_labels):
    # TWIN: model.eval()
    hits, loss = 0, 0.0
    with torch.no_grad():
        for clip, label in zip(clips, clip_labels):
            out = model(clip)
            loss += nn.functional.cross_entropy(out, label.expand(len(clip))).item()
            hits += (out.argmax(1) == label).sum().item()
    return loss / len(clips), hits / clips.shape[0] / clips.shape[1]


images, labels = load_digits(return_X_y=True)
order = np.random.permutation(len(labels))
images = torch.tensor(images[order].reshape(-1, 1, 8, 8) / 16.0, dtype=torch.float32)
labels = torch.tensor(labels[order])
train_x, train_y = images[:1400], labels[:1400]
test_x, test_y = images[1400:1600], labels[1400:1600]
clips = torch.stack([test_x + 0.05 * torch.randn_like(test_x) for _ in range(3)], dim=1)

model = FrameNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    total = 0.0
    batches = torch.randperm(1400).split(50)
    for idx in batches:
        optimizer.zero_grad()
        loss = criterion(model(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item()
    test_loss, test_acc = test(model, clips, test_y)
    print(f"epoch {epoch + 1}: train {total / len(batches):.4f} test {test_loss:.4f} acc {test_acc:.4f}")

print(f"score: {test_acc:.4f}")
