"""Eight-layer ReLU MLP, Kaiming-normal weights and zero biases, no normalisation at all; digits standardised with one
mean and standard deviation, Adam with a short linear warm-up.
"""

import itertools
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class DeepMLP(nn.Module):
    def __init__(self, width=64, depth=8):
        super().__init__()
        sizes = [64] + [width] * (depth - 1) + [10]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.apply(self._init)

    @staticmethod
    def _init(m):
        if isinstance(m, nn.Linear):
            nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            nn.init.zeros_(m.bias)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data, target = load_digits(return_X_y=True)
    tr_x, te_x, tr_y, te_y = train_test_split(data, target, test_size=0.3, random_state=seed)
    mu, sigma = tr_x.mean(), tr_x.std()
    tr_x, te_x = (torch.tensor((a - mu) / sigma, dtype=torch.float32) for a in (tr_x, te_x))
    tr_y, te_y = torch.tensor(tr_y), torch.tensor(te_y)

    model = DeepMLP()
    optim = torch.optim.Adam(model.parameters(), lr=1e-3)
    warmup = torch.optim.lr_scheduler.LambdaLR(optim, lambda s: min(1.0, (s + 1) / 40))
    for epoch in range(16):
        losses = []
        for idx in torch.randperm(len(tr_x)).split(40):
            loss = F.cross_entropy(model(tr_x[idx]), tr_y[idx])
            optim.zero_grad()
            loss.backward()
            optim.step()
            warmup.step()
            losses.append(loss.item())
        with torch.no_grad():
            acc = (model(te_x).argmax(-1) == te_y).float().mean().item()
        print(f"epoch {epoch}: loss={sum(losses) / len(losses):.4f} test_acc={acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
