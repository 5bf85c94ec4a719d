"""Digit and parity at once from one trunk; the losses of the two heads are backpropagated one after the other into the
same gradients, and one step follows."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 48), nn.ReLU())
        self.heads = nn.ModuleDict({"digit": nn.Linear(48, 10), "even": nn.Linear(48, 1)})

    def forward(self, x):
        h = self.trunk(x)
        return self.heads["digit"](h), self.heads["even"](h).squeeze(1)


def evaluate(model, loader):
    model.eval()
    digit_hits = even_hits = n = 0
    with torch.no_grad():
        for x, y in loader:
            digit, even = model(x)
            digit_hits += (digit.argmax(1) == y).sum().item()
            even_hits += ((even > 0) == (y % 2 == 0)).sum().item()
            n += len(y)
    return digit_hits / n, even_hits / n


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    data = TensorDataset(torch.tensor(digits.data / 8 - 0.6, dtype=torch.float32), torch.tensor(digits.target))
    train_set, test_set = random_split(data, [1397, 400])
    train_loader, test_loader = DataLoader(train_set, 32, shuffle=True), DataLoader(test_set, 200)
    model = Shared()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    ce, bce = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()
    for epoch in range(15):
        model.train()
        sums = [0.0, 0.0]
        for x, y in train_loader:
            optimizer.zero_grad()
            digit, even = model(x)
            loss_digit, loss_even = ce(digit, y), bce(even, (y % 2 == 0).float())
            loss_digit.backward(retain_graph=True)
            loss_even.backward()
            optimizer.step()
            sums[0] += loss_digit.item()
            sums[1] += loss_even.item()
        digit_acc, even_acc = evaluate(model, test_loader)
        print(f"epoch {epoch} {sums[0] / 44:.3f} {sums[1] / 44:.3f} digit {digit_acc:.4f} even {even_acc:.4f}")
    print(f"score: {(digit_acc + even_acc) / 2:.4f}")


main()
