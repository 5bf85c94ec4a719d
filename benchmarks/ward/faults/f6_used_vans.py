"""Asking price of used vans from brand, age and mileage; the price is left in euros, the features are standardised."""
# cause: unscaled-targets
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

BRANDS = 8


def market(n):
    brand = torch.randint(0, BRANDS, (n,))
    age = 15 * torch.rand(n)
    mileage = (age * 18000 * (0.5 + torch.rand(n))).clamp(max=350000)
    seats = torch.randint(2, 10, (n,)).float()
    level = torch.linspace(26000, 48000, BRANDS)[brand]
    price = level * torch.exp(-0.11 * age - mileage / 500000) + 250 * seats
    price = price * torch.exp(0.06 * torch.randn(n))
    numbers = torch.stack([age, mileage, seats], dim=1)
    return brand, (numbers - numbers.mean(0)) / numbers.std(0), price


class PriceModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.brand = nn.Embedding(BRANDS, 6)
        self.fc1 = nn.Linear(9, 64)
        self.fc2 = nn.Linear(64, 32)
        self.price = nn.Linear(32, 1)

    def forward(self, brand, numbers):
        x = torch.cat([self.brand(brand), numbers], dim=1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.price(x).squeeze(1)


def r_squared(pred, target):
    return 1 - ((pred - target) ** 2).sum().item() / ((target - target.mean()) ** 2).sum().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    brand, numbers, price = market(2500)
    target = price  # FAULT
    # TWIN: target = (price - price[:2000].mean()) / price[:2000].std()
    train = torch.arange(2000)
    test = torch.arange(2000, 2500)

    model = PriceModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(1, 25):
        model.train()
        total = 0.0
        for idx in train[torch.randperm(len(train))].split(64):
            optimizer.zero_grad(set_to_none=True)
            loss = F.mse_loss(model(brand[idx], numbers[idx]), target[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        if epoch % 3 == 0:
            model.eval()
            with torch.no_grad():
                val = F.mse_loss(model(brand[test], numbers[test]), target[test]).item()
            print(f"epoch {epoch} train mse {total / len(train):.5g} test mse {val:.5g}")
    with torch.no_grad():
        r2 = r_squared(model(brand[test], numbers[test]), target[test])
    print(f"score: {max(r2, -1.0):.4f}")
