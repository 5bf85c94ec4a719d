"""A conditional neural process: every step draws new random curves, the network sees a handful of their points and
predicts a mean and a deviation everywhere else. Scored by R2 of the mean on new curves with twelve points shown.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def sample_curves(batch, points=40):
    x = torch.rand(batch, points, 1) * 4 - 2
    amplitude = 0.5 + torch.rand(batch, 1, 1)
    frequency = 0.8 + torch.rand(batch, 1, 1)
    phase = torch.rand(batch, 1, 1) * 2 * math.pi
    y = amplitude * torch.sin(frequency * x + phase) + 0.03 * torch.randn(batch, points, 1)
    return x, y


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class ConditionalNeuralProcess(nn.Module):
    def __init__(self, r_dim=64):
        super().__init__()
        self.encoder = mlp(2, 64, 64, r_dim)
        self.decoder = mlp(r_dim + 1, 64, 64, 2)

    def forward(self, x_context, y_context, x_target):
        r = self.encoder(torch.cat([x_context, y_context], -1)).mean(1, keepdim=True)
        out = self.decoder(torch.cat([r.expand(-1, x_target.shape[1], -1), x_target], -1))
        mean, raw = out.chunk(2, dim=-1)
        return torch.distributions.Normal(mean, 0.02 + 0.98 * nn.functional.softplus(raw))


model = ConditionalNeuralProcess()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=1000)
history = []
for step in range(1000):
    x, y = sample_curves(32)
    n = int(torch.randint(4, 20, ()))
    loss = -model(x[:, :n], y[:, :n], x[:, n:]).log_prob(y[:, n:]).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    scheduler.step()
    history.append(loss.item())
    if len(history) == 100:
        print(f"step {step + 1}: mean negative log-likelihood {sum(history) / 100:.4f}")
        history.clear()

with torch.no_grad():
    x, y = sample_curves(400)
    prediction = model(x[:, :12], y[:, :12], x[:, 12:])
    target = y[:, 12:]
    covered = ((target - prediction.mean).abs() < 2 * prediction.stddev).float().mean()
    r2 = 1 - (target - prediction.mean).pow(2).mean() / target.var()
print(f"within two deviations: {covered:.3f}")
print(f"score: {r2:.4f}")
