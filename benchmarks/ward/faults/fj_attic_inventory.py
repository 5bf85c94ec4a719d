"""Labels for things found in an attic (old? fragile? valuable? ...): six yes-or-no answers from twenty clues.

The layers are stacked by a helper from a list of widths.
"""
# cause: nonlinear-logits
# accept: output-range
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WIDTHS = [20, 96, 48, 6]


def stack(widths):
    layers = []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers.append(nn.Linear(n_in, n_out))
        layers.append(nn.ReLU())
    # TWIN: layers.pop()
    return nn.Sequential(*layers)


def things(n, rng, weights):
    clues = rng.normal(size=(n, 20))
    tendency = clues @ weights[0] / 3 + np.abs(clues @ weights[1]) / 3 - 1.4
    answers = tendency + 0.15 * rng.normal(size=tendency.shape) > 0
    return TensorDataset(torch.tensor(clues, dtype=torch.float32), torch.tensor(answers, dtype=torch.float32))


def f1_score(logits, answers):
    said, true = logits > 0, answers > 0.5
    hit = (said & true).sum(0)
    return (2 * hit / (said.sum(0) + true.sum(0)).clamp_min(1)).mean().item()


def evaluate(model, dataset):
    model.eval()
    clues, answers = dataset.tensors
    with torch.no_grad():
        logits = model(clues)
    return nn.functional.binary_cross_entropy_with_logits(logits, answers).item(), f1_score(logits, answers)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, 20, 6))
    train, test = things(10000, rng, weights), things(1500, rng, weights)
    loader = DataLoader(train, batch_size=100, shuffle=True)
    model = stack(WIDTHS)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15)
    for epoch in range(15):
        model.train()
        mean = 0.0
        for clues, answers in loader:
            optimizer.zero_grad()
            loss = criterion(model(clues), answers)
            loss.backward()
            optimizer.step()
            mean += loss.item() / len(loader)
        scheduler.step()
        test_loss, f1 = evaluate(model, test)
        print(f"epoch {epoch + 1}: loss {mean:.4f} | test loss {test_loss:.4f} F1 {f1:.4f}")
    print(f"score: {f1:.4f}")


main()
