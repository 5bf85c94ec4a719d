"""Does a random DNA strand of 60 letters contain the motif TATAAW on it? One-hot letters, Conv1d, max over positions,
cross-entropy; accuracy only, each epoch, on held-out strands.
"""

import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
LETTERS = "ACGT"


def make_strand(rng, positive):
    strand = [rng.choice(LETTERS) for _ in range(60)]
    motif = "TATAA" + rng.choice("AT")
    if not positive:  # a decoy with the same letters in another order
        motif = "".join(rng.sample("TTAAA", 5)) + rng.choice("CG")
    start = rng.randrange(54)
    strand[start : start + 6] = motif
    return "".join(strand)


def dataset(rng, n):
    labels = [i % 2 for i in range(n)]
    rng.shuffle(labels)
    codes = torch.tensor([[LETTERS.index(c) for c in make_strand(rng, label)] for label in labels])
    one_hot = nn.functional.one_hot(codes, 4).float().transpose(1, 2)  # (n, 4, 60)
    return one_hot, torch.tensor(labels)


class MotifNet(nn.Module):
    def __init__(self, filters=32):
        super().__init__()
        self.conv = nn.Conv1d(4, filters, kernel_size=8, padding=4)
        self.bn = nn.BatchNorm1d(filters)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(filters, 2)

    def forward(self, x):
        h = torch.relu(self.bn(self.conv(x)))
        return self.out(self.drop(h.amax(dim=2)))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    rng = random.Random(seed)
    torch.manual_seed(seed)
    x_train, y_train = dataset(rng, 4000)
    x_test, y_test = dataset(rng, 1000)

    net = MotifNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(10):
        net.train()
        for idx in torch.randperm(len(x_train)).split(64):
            optimizer.zero_grad()
            loss = criterion(net(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()

        net.eval()
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean().item()
        print("epoch", epoch, "last batch loss", round(loss.item(), 4), "test accuracy", round(acc, 4))
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
