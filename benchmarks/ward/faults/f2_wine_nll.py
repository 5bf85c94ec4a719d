"""Six-class tabular classifier with nn.NLLLoss.

Fault: the network returns raw logits, but NLLLoss expects log-probabilities (the log_softmax is missing).
"""
# cause: loss-output-mismatch
# kind: dynamic

import argparse

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TabularNet(nn.Module):
    def __init__(self, n_in, n_classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, n_classes)

    def forward(self, x):
        return self.head(self.body(x))  # FAULT
        # TWIN: return torch.log_softmax(self.head(self.body(x)), dim=1)


def evaluate(model, loader, criterion):
    model.eval()
    loss, hits, count = 0.0, 0, 0
    with torch.no_grad():
        for xb, yb in loader:
            out = model(xb)
            loss += criterion(out, yb).item() * len(yb)
            hits += (out.argmax(1) == yb).sum().item()
            count += len(yb)
    return loss / count, hits / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    X, y = make_classification(
        n_samples=2000, n_features=16, n_informative=10, n_classes=6, class_sep=1.8, random_state=args.seed
    )
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=args.seed)
    mean, std = X_train.mean(0), X_train.std(0)
    X_train, X_val = (X_train - mean) / std, (X_val - mean) / std
    train = TensorDataset(torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train))
    val = TensorDataset(torch.tensor(X_val, dtype=torch.float32), torch.tensor(y_val))
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    val_loader = DataLoader(val, batch_size=250)

    model = TabularNet(16, 6)
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    for epoch in range(20):
        model.train()
        for xb, yb in train_loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_loss, val_acc = evaluate(model, val_loader, criterion)
        print(f"epoch {epoch:02d} train_loss {loss.item():.4f} val_loss {val_loss:.4f} val_acc {val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
