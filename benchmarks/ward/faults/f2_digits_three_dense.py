"""Three fully connected layers on digits, SGD with momentum, accuracy on a held-out part after each epoch.

Fault: ReLU is applied to the logits before the cross-entropy loss (Stack Overflow 47352366).
"""
# cause: nonlinear-logits
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 100)
        self.fc2 = nn.Linear(100, 50)
        self.fc3 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = F.relu(self.fc3(x))  # FAULT
        # TWIN: x = self.fc3(x)
        return x


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    pixels, target = load_digits(return_X_y=True)
    pixels = torch.tensor(pixels, dtype=torch.float32) / 16.0
    target = torch.tensor(target, dtype=torch.long)
    order = torch.randperm(len(pixels))
    train_idx, valid_idx = order[:1437], order[1437:]

    net = Network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(15):
        shuffled = train_idx[torch.randperm(len(train_idx))]
        total_loss, total_correct = 0.0, 0
        for start in range(0, len(shuffled), 64):
            rows = shuffled[start : start + 64]
            preds = net(pixels[rows])
            loss = F.cross_entropy(preds, target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * len(rows)
            total_correct += preds.argmax(dim=1).eq(target[rows]).sum().item()
        with torch.no_grad():
            valid_correct = net(pixels[valid_idx]).argmax(dim=1).eq(target[valid_idx]).sum().item()
        print(
            "epoch", epoch, "loss", round(total_loss / len(shuffled), 4), "train", total_correct, "valid", valid_correct
        )
    print(f"score: {valid_correct / len(valid_idx):.4f}")


if __name__ == "__main__":
    main()
