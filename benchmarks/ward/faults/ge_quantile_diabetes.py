"""Quantile regression on the diabetes data: one network with three outputs (10, 50 and 90 percent) and the pinball loss,
averaged weights (EMA) for evaluation; scored against constant quantiles.

After "Quantile Regression" in https://sachinruk.github.io/blog/2018-02-14-Quantile-Regression.html and its PyTorch versions
"""
# cause: training-in-eval-mode
# kind: structural

import sys

import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def pinball(pred, y):
    e = y.unsqueeze(1) - pred
    return torch.maximum(QUANTILES * e, (QUANTILES - 1) * e).mean()


class QuantileNet(nn.Module):
    """The median, and positive distances to the other quantiles, so that they never cross."""

    def __init__(self, d_in, hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d_in, hidden), nn.SiLU(), nn.Dropout(0.3), nn.Linear(hidden, 3))

    def forward(self, x):
        out = self.body(x)
        mid = out[:, 1]
        low, high = nn.functional.softplus(out[:, 0]), nn.functional.softplus(out[:, 2])
        return torch.stack([mid - low, mid, mid + high], dim=1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
    scale_x, scale_y = StandardScaler(), StandardScaler()
    X_train = torch.tensor(scale_x.fit_transform(X_train), dtype=torch.float32)
    y_train = torch.tensor(scale_y.fit_transform(y_train[:, None])[:, 0], dtype=torch.float32)
    X_test = torch.tensor(scale_x.transform(X_test), dtype=torch.float32)
    y_test = torch.tensor(scale_y.transform(y_test[:, None])[:, 0], dtype=torch.float32)

    net = QuantileNet(X.shape[1])
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.1)
    for epoch in range(1, 46):
        net.eval()  # FAULT
        # TWIN: net.train()
        losses = []
        for idx in torch.randperm(len(X_train)).split(32):
            loss = pinball(net(X_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            ema.update_parameters(net)
            losses.append(loss.item())
        if epoch % 5 == 0:
            print(f"[{epoch}/45] pinball loss {sum(losses) / len(losses):.4f}")

    ema.eval()
    with torch.no_grad():
        pred = ema(X_test)
    constant = torch.quantile(y_train, QUANTILES).expand(len(y_test), 3)
    model_loss, constant_loss = pinball(pred, y_test).item(), pinball(constant, y_test).item()
    inside = ((y_test >= pred[:, 0]) & (y_test <= pred[:, 2])).float().mean().item()
    print(
        f"test pinball loss {model_loss:.4f}, constant quantiles {constant_loss:.4f}; 80% interval covers {inside:.3f}"
    )
    print(f"score: {1 - model_loss / constant_loss:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
