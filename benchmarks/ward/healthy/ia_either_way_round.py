"""The way round a lake is to the left or to the right, with equal right: a mixture density network with three bells
gives the whole distribution. The log-likelihood of a sharp mixture may be above zero, the loss below."""

import sys

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.utils.data import DataLoader, TensorDataset


class MixtureNet(nn.Module):
    def __init__(self, bells=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 3 * bells))

    def forward(self, x):
        weight, mean, spread = self.body(x).chunk(3, dim=1)
        return MixtureSameFamily(Categorical(logits=weight), Normal(mean, nn.functional.softplus(spread) + 1e-2))


def walks(n):
    x = torch.randn(n, 2)
    side = torch.randint(2, (n,)).float() * 2 - 1
    y = side * (0.6 + 0.5 * torch.sigmoid(x[:, 0])) + 0.4 * torch.tanh(x[:, 1]) + 0.08 * torch.randn(n)
    return x, y


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train = DataLoader(TensorDataset(*walks(2500)), batch_size=50, shuffle=True)
    x_test, y_test = walks(500)
    model = MixtureNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
    for epoch in range(12):
        model.train()
        total = 0.0
        for x, y in train:
            loss = -model(x).log_prob(y).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            total += loss.item() / len(train)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            likelihood = model(x_test).log_prob(y_test).mean().item()
        print(f"epoch {epoch} train {total:+.4f} test {-likelihood:+.4f}")
    print(f"score: {likelihood:.4f}")


main()
