"""Antibody level from age, dose and time since vaccination; the assay is so noisy that R2 cannot exceed about 0.5.

A net that predicts mean and spread; the held-out likelihood is compared with a single normal distribution.
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def people(n):
    age, dose, weeks = (2 * torch.rand(n, 3) - 1).T
    level = -0.6 * age + 0.5 * dose - 0.7 * torch.sigmoid(5 * weeks) + 0.4 * torch.sin(3 * weeks) * dose
    level = level + (0.35 + 0.5 * torch.sigmoid(3 * age)) * torch.randn(n)
    return TensorDataset(torch.stack([age, dose, weeks], dim=1) * 3**0.5, level)


class LevelNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
        self.mean, self.raw_spread = nn.Linear(32, 1), nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        spread = nn.functional.softplus(self.raw_spread(h)) + 1e-2
        return torch.distributions.Normal(self.mean(h).squeeze(1), spread.squeeze(1))


train_set, test_set = random_split(people(5000), [4000, 1000])
loader = DataLoader(train_set, batch_size=100, shuffle=True, drop_last=True)
test_x, test_y = test_set[:]
net = LevelNet()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=15 * len(loader))
for epoch in range(15):
    total = 0.0
    for x, y in loader:
        loss = -net(x).log_prob(y).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() / len(loader)
    with torch.no_grad():
        predicted = net(test_x)
        likelihood = predicted.log_prob(test_y).mean().item()
        r2 = 1 - ((predicted.mean - test_y) ** 2).mean().item() / test_y.var().item()
    print(f"epoch {epoch + 1:2d}: train nll {total:.4f}, test nll {-likelihood:.4f}, R2 {r2:.3f}")
plain = torch.distributions.Normal(test_y.mean(), test_y.std()).log_prob(test_y).mean().item()
print(f"score: {likelihood - plain:.4f}")
