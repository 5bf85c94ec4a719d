"""One trunk, two questions: the breed of a sheep and its weight. The two losses are weighed by learned
uncertainties, so the sum may fall below zero."""

import sys

import torch
import torch.nn.functional as F
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(14, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.breed, self.weight = nn.Linear(64, 5), nn.Linear(64, 1)
        self.log_var = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.trunk(x)
        return self.breed(h), self.weight(h).squeeze(1)

    def loss(self, x, breed, weight):
        said, guessed = self(x)
        parts = torch.stack([F.cross_entropy(said, breed), 0.5 * F.mse_loss(guessed, weight)])
        return (parts * (-self.log_var).exp() + 0.5 * self.log_var).sum(), parts.detach()


def sheep(n, breeds):
    breed = torch.randint(5, (n,))
    x = breeds[breed] + torch.randn(n, 14)
    weight = torch.tanh(x[:, 0] * x[:, 1]) + 0.5 * x[:, 2] - 0.5 * breeds[breed, 3] + 0.15 * torch.randn(n)
    return x / 1.4, breed, weight


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    breeds = torch.randn(5, 14)
    x, breed, weight = sheep(3000, breeds)
    test = sheep(600, breeds)
    model = TwoHeads()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        for rows in torch.randperm(len(x)).split(50):
            loss, parts = model.loss(x[rows], breed[rows], weight[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            said, guessed = model(test[0])
        right = (said.argmax(1) == test[1]).float().mean().item()
        r2 = 1 - F.mse_loss(guessed, test[2]).item() / test[2].var().item()
        print(f"epoch {epoch} loss {loss.item():+.4f} parts {parts.tolist()} breed {right:.4f} weight {r2:.4f}")
    print(f"score: {(right + r2) / 2:.4f}")


main()
