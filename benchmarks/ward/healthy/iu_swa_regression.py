"""Stochastic weight averaging for a regression net with batch normalisation: AveragedModel, SWALR, update_bn.

After the SWA blog post and docs of PyTorch, https://pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
"""

import sys

import torch
from sklearn.datasets import make_friedman1
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset


def build_model(n_in):
    return nn.Sequential(
        nn.Linear(n_in, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 1),
    )


@torch.no_grad()
def r2(model, x, y):
    model.eval()
    residual = ((model(x) - y) ** 2).sum()
    return (1 - residual / ((y - y.mean()) ** 2).sum()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = make_friedman1(2400, n_features=10, noise=1.0, random_state=seed)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
    xs, ys = StandardScaler().fit(X_train), StandardScaler().fit(y_train[:, None])
    ridge = Ridge().fit(xs.transform(X_train), y_train)
    print(f"ridge regression R2 {ridge.score(xs.transform(X_test), y_test):.4f}")

    def tensors(a, b):
        return (
            torch.tensor(xs.transform(a), dtype=torch.float32),
            torch.tensor(ys.transform(b[:, None]), dtype=torch.float32),
        )

    X_train, y_train = tensors(X_train, y_train)
    X_test, y_test = tensors(X_test, y_test)
    loader = DataLoader(TensorDataset(X_train, y_train), batch_size=64, shuffle=True, drop_last=True)

    model = build_model(X.shape[1])
    swa_model = AveragedModel(model)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    epochs, swa_start = 30, 20
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=swa_start, eta_min=0.02)
    swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)

    for epoch in range(epochs):
        model.train()
        running = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            running += loss.item()
        if epoch >= swa_start:
            swa_model.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
        if (epoch + 1) % 5 == 0:
            print(
                f"epoch {epoch + 1:3d}  train mse {running / len(loader):.4f}  lr {optimizer.param_groups[0]['lr']:.4f}"
            )

    update_bn(loader, swa_model)
    print(f"last weights R2 {r2(model, X_test, y_test):.4f}, averaged weights R2 {r2(swa_model, X_test, y_test):.4f}")
    print(f"score: {r2(swa_model, X_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
