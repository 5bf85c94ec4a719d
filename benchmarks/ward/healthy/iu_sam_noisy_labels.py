"""Sharpness-aware minimisation on digits of which a fifth of the training labels are wrong.

After https://github.com/davda54/sam: two passes a step, running statistics of batch norm only in the first.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader, TensorDataset


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups

    @torch.no_grad()
    def first_step(self):
        norm = torch.norm(
            torch.stack([p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None])
        )
        for group in self.param_groups:
            scale = group["rho"] / (norm + 1e-12)
            for p in group["params"]:
                if p.grad is not None:
                    self.state[p]["old"] = p.detach().clone()
                    p.add_(p.grad * scale)
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.copy_(self.state[p]["old"])
        self.base_optimizer.step()
        self.zero_grad()


def running_stats(model, on):
    for m in model.modules():
        if isinstance(m, _BatchNorm):
            if on:
                m.momentum = getattr(m, "backup_momentum", m.momentum)
            else:
                m.backup_momentum, m.momentum = m.momentum, 0.0


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (x_train, x_test))
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    wrong = torch.rand(len(y_train)) < 0.2
    noisy = torch.where(wrong, (y_train + torch.randint(1, 10, y_train.shape)) % 10, y_train)
    print(f"{wrong.float().mean():.1%} of the training labels were changed")
    loader = DataLoader(TensorDataset(x_train, noisy), batch_size=64, shuffle=True, drop_last=True)

    model = nn.Sequential(
        nn.Linear(64, 96),
        nn.BatchNorm1d(96),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(96, 96),
        nn.BatchNorm1d(96),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(96, 10),
    )
    optimizer = SAM(model.parameters(), torch.optim.SGD, rho=0.1, lr=0.05, momentum=0.9, weight_decay=1e-3)
    epochs = 15
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer.base_optimizer, epochs)

    for epoch in range(1, epochs + 1):
        model.train()
        total = hits = n = 0
        for data, target in loader:
            running_stats(model, True)
            out = model(data)
            loss = F.cross_entropy(out, target, label_smoothing=0.1)
            loss.backward()
            optimizer.first_step()

            running_stats(model, False)
            F.cross_entropy(model(data), target, label_smoothing=0.1).backward()
            optimizer.second_step()
            total += loss.item() * len(data)
            hits += (out.argmax(1) == target).sum().item()
            n += len(data)
        scheduler.step()
        if epoch % 3 == 0:
            print(f"epoch {epoch:2d}: loss {total / n:.4f}, accuracy on noisy labels {hits / n:.4f}")

    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
