"""Benign or malignant from thirty measurements: a two-layer network with a sigmoid output and the cross entropy written
out by hand.

After a report remembered: Stack Overflow, hand-written sigmoid cross entropy in TensorFlow turns into nan after a number
of good steps (of the kind of https://stackoverflow.com/questions/33712178/tensorflow-nan-bug)
"""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

LEARNING_RATE = 0.003
STEPS = 600
BATCH = 50


class Net(nn.Module):
    def __init__(self, n_inputs):
        super().__init__()
        self.fc1 = nn.Linear(n_inputs, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, 1)

    def forward(self, x):
        h = F.relu(self.fc1(x))
        h = F.relu(self.fc2(h))
        return self.fc3(h).squeeze(1)


def cross_entropy(out, y_):
    y = torch.sigmoid(out)  # FAULT
    return -(y_ * torch.log(y) + (1 - y_) * torch.log(1 - y)).mean()  # FAULT
    # TWIN: return F.binary_cross_entropy_with_logits(out, y_)


def accuracy(net, x, y_):
    net.eval()
    with torch.no_grad():
        says_benign = torch.sigmoid(net(x)) > 0.5
    return (says_benign == (y_ > 0.5)).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    data = load_breast_cancer()
    x_train, x_test, y_train, y_test = train_test_split(
        data.data, data.target, test_size=0.3, random_state=seed, stratify=data.target
    )
    scaler = StandardScaler().fit(x_train)
    x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32)
    x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32)
    y_train = torch.tensor(y_train, dtype=torch.float32)
    y_test = torch.tensor(y_test, dtype=torch.float32)

    net = Net(x_train.shape[1])
    train_step = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    order, at = torch.randperm(len(x_train)), 0
    for i in range(STEPS):
        if at + BATCH > len(order):
            order, at = torch.randperm(len(x_train)), 0
        rows = order[at : at + BATCH]
        at += BATCH
        net.train()
        loss = cross_entropy(net(x_train[rows]), y_train[rows])
        train_step.zero_grad()
        loss.backward()
        train_step.step()
        if i % 50 == 0:
            print(
                f"step {i}, cross entropy {loss.item():.5f}, training accuracy"
                f" {accuracy(net, x_train, y_train):.4f}, test accuracy {accuracy(net, x_test, y_test):.4f}"
            )

    print(f"score: {accuracy(net, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
