"""Which newsletter subscribers will cancel next month? Embeddings for country and plan, a few activity
numbers, and a small MLP.
"""
# cause: non-finite-input
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

N = 9000
COUNTRIES, PLANS = 20, 4


def export_subscribers(seed):
    """Stands for the monthly export of the warehouse."""
    g = torch.Generator().manual_seed(seed)
    country = torch.randint(0, COUNTRIES, (N,), generator=g)
    plan = torch.randint(0, PLANS, (N,), generator=g)
    months = torch.distributions.Exponential(1 / 14.0).icdf(torch.rand(N, generator=g).clamp(max=0.999)).floor()
    sent = torch.poisson(torch.where(months < 1, 3.0, 9.0), generator=g)
    interest = torch.rand(N, generator=g)
    opened = torch.binomial(sent, interest, generator=g)
    clicked = torch.binomial(opened, 0.6 * interest, generator=g)
    habit = 0.6 * torch.randn(COUNTRIES, generator=g)
    price = torch.tensor([-0.8, 0.0, 0.5, 1.2])
    logit = 4.5 - 9.0 * interest + habit[country] + price[plan] - 0.04 * months
    churned = (torch.rand(N, generator=g) < torch.sigmoid(1.5 * logit)).float()
    return country, plan, months, sent, opened, clicked, churned


def features(months, sent, opened, clicked):
    open_rate = opened / sent  # FAULT
    click_rate = clicked / sent  # FAULT
    # TWIN: open_rate = opened / sent.clamp(min=1)
    # TWIN: click_rate = clicked / sent.clamp(min=1)
    return torch.stack([torch.log1p(months) / 3, sent / 10, open_rate, click_rate], dim=1)


class ChurnModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.country = nn.Embedding(COUNTRIES, 6)
        self.plan = nn.Embedding(PLANS, 3)
        self.mlp = nn.Sequential(
            nn.Linear(4 + 6 + 3, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1)
        )

    def forward(self, country, plan, numbers):
        z = torch.cat([self.country(country), self.plan(plan), numbers], dim=1)
        return self.mlp(z).squeeze(1)


def balanced_accuracy(model, loader):
    model.eval()
    hits = {0: [0, 0], 1: [0, 0]}
    with torch.no_grad():
        for country, plan, numbers, y in loader:
            guess = (model(country, plan, numbers) > 0).float()
            for c in (0, 1):
                hits[c][0] += ((guess == c) & (y == c)).sum().item()
                hits[c][1] += (y == c).sum().item()
    model.train()
    return sum(h / n for h, n in hits.values()) / 2


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    country, plan, months, sent, opened, clicked, churned = export_subscribers(seed)
    data = TensorDataset(country, plan, features(months, sent, opened, clicked), churned)
    train, val, test = random_split(data, [0.7, 0.15, 0.15], generator=torch.Generator().manual_seed(seed))
    train_loader = DataLoader(train, batch_size=128, shuffle=True)
    val_loader, test_loader = DataLoader(val, batch_size=512), DataLoader(test, batch_size=512)
    print(f"{N} subscribers, {churned.mean():.1%} cancelled")

    model = ChurnModel()
    optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
    criterion = nn.BCEWithLogitsLoss()

    for epoch in range(10):
        seen, total = 0, 0.0
        for c, p, numbers, y in train_loader:
            loss = criterion(model(c, p, numbers), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            seen += len(y)
        print(
            f"epoch {epoch:2d} | logloss {total / seen:.4f} | val bal. acc. {balanced_accuracy(model, val_loader):.3f}"
        )

    print(f"score: {balanced_accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
