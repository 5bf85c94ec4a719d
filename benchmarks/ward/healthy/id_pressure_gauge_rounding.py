"""Digits through a bottleneck of eight levels per unit: rounding by a custom autograd function, straight through."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
LEVELS = 7


class Round(torch.autograd.Function):
    """Rounds to LEVELS steps of [0, 1]; the gradient passes where the input lies inside."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x.clamp(0, 1) * LEVELS).round() / LEVELS

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ((x >= 0) & (x <= 1))


class Quantised(nn.Module):
    def __init__(self, code=24):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, code))
        self.decode = nn.Sequential(nn.Linear(code, 48), nn.ReLU(), nn.Linear(48, 10))

    def forward(self, x):
        return self.decode(2 * Round.apply(self.encode(x) * 0.5 + 0.5) - 1)


digits = load_digits()
order = torch.randperm(len(digits.target))
x = (torch.tensor(digits.data, dtype=torch.float32)[order] - 4.9) / 6.0
y = torch.tensor(digits.target)[order]
loader = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=50, shuffle=True)
model = Quantised()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
for epoch in range(14):
    model.train()
    losses = []
    for batch, label in loader:
        optimizer.zero_grad()
        loss = criterion(model(batch), label)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1300:]).argmax(1) == y[1300:]).float().mean().item()
    print(f"epoch {epoch + 1:2d}: loss {sum(losses) / len(losses):.4f}, held-out accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
