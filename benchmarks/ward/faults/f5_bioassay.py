"""Activity of compounds from twenty descriptors, a regression net with an L1 term on the weights for sparsity.

Fault: the coefficient of the L1 term is 0.1, and the term sums over thousands of weights: it outweighs the data.
"""
# cause: over-regularization
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AssayNet(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.hidden1 = nn.Linear(d, 80)
        self.hidden2 = nn.Linear(80, 40)
        self.output = nn.Linear(40, 1)

    def forward(self, x):
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        return self.output(x)


def penalty(model, strength):
    return strength * sum(w.abs().sum() for name, w in model.named_parameters() if name.endswith("weight"))


def standardise(a, like):
    return (a - like.mean(0)) / like.std(0)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = make_friedman1(n_samples=2000, n_features=20, noise=0.8, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    x_train, x_val = standardise(x[:1500], x[:1500]), standardise(x[1500:], x[:1500])
    y_train, y_val = standardise(y[:1500], y[:1500]), standardise(y[1500:], y[:1500])
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True)

    l1 = 0.1  # FAULT
    # TWIN: l1 = 1e-3
    model = AssayNet(20)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(18):
        model.train()
        fit = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            mse = criterion(model(xb), yb)
            (mse + penalty(model, l1)).backward()
            optimizer.step()
            fit += mse.item() / len(loader)
        model.eval()
        with torch.no_grad():
            val_mse = criterion(model(x_val), y_val).item()
        if epoch % 4 == 0:
            print(f"epoch {epoch:02d}: train mse {fit:.4f}, validation mse {val_mse:.4f}")
    print(f"score: {1 - val_mse / y_val.var().item():.4f}")


if __name__ == "__main__":
    main()
