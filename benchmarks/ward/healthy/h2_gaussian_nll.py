"""A net predicts mean and log variance; trained by the Gaussian negative log-likelihood, which falls below zero."""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


class MeanVarianceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.mean = nn.Linear(48, 1)
        self.log_var = nn.Linear(48, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h), self.log_var(h).clamp(-10, 5)


def gaussian_nll(mean, log_var, y):
    return 0.5 * (log_var + (y - mean) ** 2 / log_var.exp()).mean()


def sample_data(n):
    x = torch.rand(n, 1) * 6 - 3
    sigma = 0.03 + 0.12 * torch.sigmoid(2 * x)
    return x, torch.sin(x) + sigma * torch.randn_like(x)


torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
x_train, y_train = sample_data(1000)
x_test, y_test = sample_data(400)

model = MeanVarianceNet()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.96)

for epoch in range(60):
    for idx in torch.randperm(1000).split(100):
        mean, log_var = model(x_train[idx])
        loss = gaussian_nll(mean, log_var, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 6 == 5:
        with torch.no_grad():
            test_nll = gaussian_nll(*model(x_test), y_test)
        print(f"epoch {epoch + 1}: train nll {loss.item():.3f}, test nll {test_nll.item():.3f}")

print(f"score: {-test_nll.item():.4f}")
