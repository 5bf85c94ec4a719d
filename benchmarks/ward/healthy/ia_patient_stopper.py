"""Stops when the validation loss has not improved for six epochs and goes back to the best weights."""

import copy
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.wait, self.state = patience, float("inf"), 0, None

    def __call__(self, loss, model):
        if loss < self.best - 1e-4:
            self.best, self.wait, self.state = loss, 0, copy.deepcopy(model.state_dict())
        else:
            self.wait += 1
        return self.wait >= self.patience


def cheeses(n, dairies):
    y = torch.randint(len(dairies), (n,))
    return dairies[y] + torch.randn(n, dairies.shape[1]), y


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    dairies = 0.7 * torch.randn(7, 20)
    train = DataLoader(TensorDataset(*cheeses(1500, dairies)), batch_size=50, shuffle=True)
    val, test = cheeses(400, dairies), cheeses(600, dairies)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 7))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    stopping = EarlyStopping(patience=6)
    for epoch in range(60):
        model.train()
        total = 0.0
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        val_loss, _ = evaluate(model, *val)
        print(f"epoch {epoch} train {total / len(train):.4f} val {val_loss:.4f}")
        if stopping(val_loss, model):
            print("no better any more")
            break
    model.load_state_dict(stopping.state)
    print(f"score: {evaluate(model, *test)[1]:.4f}")


main()
