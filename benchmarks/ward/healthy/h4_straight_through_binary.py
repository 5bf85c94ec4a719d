"""Binary hidden codes with a straight-through estimator (custom autograd.Function), digits classified from 48 bits."""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class BinaryCode(nn.Module):
    def __init__(self, bits=48):
        super().__init__()
        self.encode = nn.Linear(64, bits)
        self.norm = nn.BatchNorm1d(bits)
        self.classify = nn.Linear(bits, 10)

    def forward(self, x):
        return self.classify(Sign.apply(self.norm(self.encode(x))))


digits = load_digits()
perm = torch.randperm(len(digits.data))
x = torch.tensor(digits.data, dtype=torch.float32)[perm] / 8 - 1
y = torch.tensor(digits.target)[perm]
model = BinaryCode()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(20):
    model.train()
    for idx in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = model(x[1400:]).argmax(1).eq(y[1400:]).float().mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, val acc {acc:.4f}")

print(f"score: {acc:.4f}")
