"""Late fusion of two modalities (two views of the same digit): an encoder for each, concatenation, a shared head. The
epoch that is best on validation is kept and tested.

After https://github.com/pliang279/MultiBench/issues/26
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import copy
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MLP(nn.Module):
    def __init__(self, indim, hiddim, outdim, dropoutp=0.5):
        super().__init__()
        self.fc = nn.Linear(indim, hiddim)
        self.fc2 = nn.Linear(hiddim, outdim)
        self.dropout = nn.Dropout(dropoutp)

    def forward(self, x):
        x = self.dropout(torch.relu(self.fc(x)))
        return self.dropout(torch.relu(self.fc2(x)))


class MMDL(nn.Module):
    def __init__(self, encoders, head):
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.head = head

    def forward(self, inputs):
        outs = [encoder(x) for encoder, x in zip(self.encoders, inputs)]
        return self.head(torch.cat(outs, dim=1))


def single_eval(model, loader, criterion):
    model.eval()
    total_loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for j in loader:
            model.train()  # FAULT
            # TWIN: model.eval()
            out = model(j[:-1])
            total_loss += criterion(out, j[-1]).item() * len(j[-1])
            correct += (out.argmax(1) == j[-1]).sum().item()
            count += len(j[-1])
    return total_loss / count, correct / count


def train(model, train_loader, valid_loader, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    best_acc, best = -1.0, None
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for j in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(j[:-1]), j[-1])
            loss.backward()
            optimizer.step()
            total += loss.item()
        val_loss, acc = single_eval(model, valid_loader, criterion)
        print(f"Epoch {epoch} train loss: {total / len(train_loader):.4f} valid loss: {val_loss:.4f} acc: {acc:.4f}")
        if acc > best_acc:
            print("Saving Best")
            best_acc, best = acc, copy.deepcopy(model)
    return best


def main(seed):
    torch.set_num_threads(1)
    np.random.seed(seed)
    torch.manual_seed(seed)
    X, y = load_digits(return_X_y=True)
    X = X / 16.0 + np.random.normal(0, 0.1, X.shape)
    order = np.random.permutation(len(X))
    X, y = torch.tensor(X[order], dtype=torch.float32), torch.tensor(y[order])
    left = X.view(-1, 8, 8)[:, :, :4].reshape(-1, 32)
    right = X.view(-1, 8, 8)[:, :, 4:].reshape(-1, 32)
    sets = [TensorDataset(left[a:b], right[a:b], y[a:b]) for a, b in [(0, 1000), (1000, 1350), (1350, len(y))]]
    train_loader = DataLoader(sets[0], batch_size=40, shuffle=True)
    valid_loader = DataLoader(sets[1], batch_size=40)
    test_loader = DataLoader(sets[2], batch_size=40)

    encoders = [MLP(32, 64, 32), MLP(32, 64, 32)]
    head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
    model = train(MMDL(encoders, head), train_loader, valid_loader, epochs=30, lr=2e-3)
    _, accuracy = single_eval(model, test_loader, nn.CrossEntropyLoss())
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
