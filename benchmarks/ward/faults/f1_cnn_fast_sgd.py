"""A small CNN on digits, SGD 0.3 with momentum 0.9; a few large steps kill the ReLUs (SO 37624102)."""
# cause: learning-rate-too-high
# accept: dead-units
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

digits = load_digits()
order = rng.permutation(len(digits.target))
images = (digits.images[order][:, None] - 4.9) / 6.0
images = torch.from_numpy(images).float()
labels = torch.from_numpy(digits.target[order])
x_train, y_train = images[:1400], labels[:1400]
x_val, y_val = images[1400:], labels[1400:]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Linear(32 * 4, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))

    def forward(self, x):
        x = self.features(x)
        return self.classifier(torch.flatten(x, 1))


net = ConvNet()
loss_fn = nn.CrossEntropyLoss()
lr = 0.3  # FAULT
# TWIN: lr = 0.01
opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)

step = 0
for _epoch in range(10):
    for idx in torch.randperm(len(x_train)).split(50):
        opt.zero_grad()
        loss = loss_fn(net(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        step += 1
        if step % 40 == 0:
            with torch.no_grad():
                val_acc = (net(x_val).argmax(1) == y_val).float().mean()
            print(f"step {step:4d}  loss {loss.item():.3f}  val acc {val_acc.item():.3f}")

with torch.no_grad():
    print(f"score: {(net(x_val).argmax(1) == y_val).float().mean().item():.4f}")
