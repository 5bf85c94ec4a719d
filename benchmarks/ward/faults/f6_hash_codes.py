"""Binary-like codes for digit images, tanh(beta * z), with beta at its final value of 300 from the first step."""
# cause: saturated-units
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BETA = 300.0  # FAULT
# TWIN: BETA = 1.0


class HashNet(torch.nn.Module):
    def __init__(self, bits=16):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 12, 3, padding=1)
        self.hidden = torch.nn.Linear(12 * 16, 64)
        self.code = torch.nn.Linear(64, bits)
        self.classes = torch.nn.Linear(bits, 10)

    def encode(self, images):
        h = F.max_pool2d(F.relu(self.conv(images)), 2).flatten(1)
        h = F.relu(self.hidden(h))
        return torch.tanh(BETA * self.code(h))

    def forward(self, images):
        return self.classes(self.encode(images))


def retrieval(net, database, labels, queries, query_labels, top=20):
    """Share of the nearest codes that show the digit of the query."""
    with torch.no_grad():
        base, asked = net.encode(database).sign(), net.encode(queries).sign()
    distance = -asked @ base.T
    nearest = distance.topk(top, dim=1, largest=False).indices
    return (labels[nearest] == query_labels[:, None]).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    images = (digits.images / 16.0 - 0.3).astype(np.float32)[:, None]
    x, xq, y, yq = map(
        torch.from_numpy,
        train_test_split(images, digits.target, test_size=400, stratify=digits.target, random_state=seed),
    )
    net = HashNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(12):
        total = 0.0
        for rows in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            query_loss = F.cross_entropy(net(xq), yq).item()
        print(f"epoch {epoch + 1:2d}  loss {total / len(x):.4f}  query loss {query_loss:.4f}")
    print(f"score: {retrieval(net, x, y, xq, yq):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
