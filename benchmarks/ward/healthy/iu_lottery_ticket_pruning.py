"""Iterative magnitude pruning with rewinding: a network of a tenth of the weights that learns as well.

After Frankle & Carbin, "The Lottery Ticket Hypothesis", with torch.nn.utils.prune
(https://pytorch.org/tutorials/intermediate/pruning_tutorial.html).
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.prune as prune
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class LeNet300(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 200)
        self.fc2 = nn.Linear(200, 60)
        self.fc3 = nn.Linear(60, 10)
        for fc in (self.fc1, self.fc2, self.fc3):
            nn.init.xavier_normal_(fc.weight)
            nn.init.zeros_(fc.bias)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def prunable(model):
    return [(model.fc1, "weight"), (model.fc2, "weight"), (model.fc3, "weight")]


def sparsity(model):
    zeros = sum((m.weight == 0).sum().item() for m, _ in prunable(model))
    return zeros / sum(m.weight.numel() for m, _ in prunable(model))


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def train(model, loader, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return loss.item()


@torch.no_grad()
def rewind(model, initial):
    """Surviving weights go back to where they began; masks stay."""
    for name, p in model.named_parameters():
        p.copy_(initial[name.replace("_orig", "")])


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x / 16.0, y, test_size=0.25, stratify=y, random_state=seed)
    mean = x_train.mean()
    to = lambda a: torch.tensor(a - mean, dtype=torch.float32)
    x_train, x_test = to(x_train), to(x_test)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    loader = DataLoader(
        TensorDataset(x_train, y_train), batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )

    model = LeNet300()
    initial = {name: p.detach().clone() for name, p in model.named_parameters()}
    rounds, rate, epochs = 5, 0.37, 8
    loss = train(model, loader, epochs)
    print(f"dense: loss {loss:.4f}, test accuracy {accuracy(model, x_test, y_test):.4f}")
    for r in range(1, rounds + 1):
        prune.global_unstructured(prunable(model), pruning_method=prune.L1Unstructured, amount=rate)
        rewind(model, initial)
        loss = train(model, loader, epochs)
        print(
            f"round {r}: sparsity {sparsity(model):.3f}, loss {loss:.4f}, "
            f"test accuracy {accuracy(model, x_test, y_test):.4f}"
        )
    for module, name in prunable(model):
        prune.remove(module, name)
    print(f"kept {1 - sparsity(model):.1%} of the weights")
    print(f"score: {accuracy(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
