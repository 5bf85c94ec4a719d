"""A small convolutional net on the digits images."""
# cause: missing-step
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn, optim

torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(images))
    images, labels = images[order], labels[order]
    x_train, y_train = images[:1400], labels[:1400]
    x_val, y_val = images[1400:], labels[1400:]

    net = Net()
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        net.train()
        running = 0.0
        perm = torch.randperm(len(x_train))
        for i in range(0, len(x_train), 50):
            idx = perm[i : i + 50]
            loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
            loss.backward()  # FAULT
            if (i + 1) % 50 == 0:  # FAULT
                optimizer.step()  # FAULT
                optimizer.zero_grad()  # FAULT
            # TWIN: optimizer.zero_grad()
            # TWIN: loss.backward()
            # TWIN: optimizer.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x_val)
            val_loss = F.cross_entropy(out, y_val).item()
            val_acc = (out.argmax(1) == y_val).float().mean().item()
        print(f"[{epoch}] loss={running / 28:.4f} val_loss={val_loss:.4f} val_acc={val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
