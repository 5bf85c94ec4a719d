"""A deep equilibrium layer: the fixed point of z = tanh(c W z / |W| + U x) is found without gradients, and one more
application at that point carries the gradient (the one-step approximation of Bolte et al. 2023).
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)


class Equilibrium(nn.Module):
    def __init__(self, dim, max_iter=20, tol=1e-3):
        super().__init__()
        self.w = nn.Linear(dim, dim, bias=False)
        nn.init.orthogonal_(self.w.weight)
        self.raw_scale = nn.Parameter(torch.zeros(()))
        self.max_iter, self.tol = max_iter, tol
        self.used = 0

    def contraction(self):
        w = self.w.weight
        return torch.sigmoid(self.raw_scale) * w / torch.linalg.matrix_norm(w, 2)

    def forward(self, injected):
        w = self.contraction()
        with torch.no_grad():
            z = torch.zeros_like(injected)
            for self.used in range(1, self.max_iter + 1):
                z_next = torch.tanh(z @ w.T + injected)
                if (z_next - z).norm() <= self.tol * z_next.norm():
                    break
                z = z_next
        return torch.tanh(z_next @ w.T + injected)


class Net(nn.Module):
    def __init__(self, n_in, dim, n_out):
        super().__init__()
        self.inject = nn.Linear(n_in, dim)
        self.core = Equilibrium(dim)
        self.readout = nn.Linear(dim, n_out)

    def forward(self, x):
        return self.readout(self.core(self.inject(x)))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    data, target = load_digits(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(data / 8 - 1, target, test_size=0.2, random_state=seed)
    x_train, x_val = torch.tensor(x_train).float(), torch.tensor(x_val).float()
    y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)

    net = Net(64, 64, 10)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(12):
        losses = []
        for idx in torch.randperm(len(x_train)).split(48):
            loss = criterion(net(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            val = net(x_val)
        acc = (val.argmax(1) == y_val).float().mean().item()
        mean = sum(losses) / len(losses)
        print(f"{epoch + 1}  train {mean:.4f}  val {criterion(val, y_val).item():.4f}  iterations {net.core.used}")
    print(f"score: {acc:.4f}")


main()
