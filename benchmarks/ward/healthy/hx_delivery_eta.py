"""Last-mile logistics: estimate the minutes until a parcel arrives, from depot, vehicle type, hour of day
and route numbers. Categories go through embeddings; smooth L1 loss on the scaled log-duration."""

import math
import random
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

DEPOTS, VEHICLES = 12, 4


class Trips(Dataset):
    def __init__(self, n, rnd):
        pace = [rnd.uniform(1.8, 4.5) for _ in range(DEPOTS)]
        service = [2.0, 2.6, 3.2, 4.0]
        cats, nums, targets = [], [], []
        for _ in range(n):
            depot, vehicle = rnd.randrange(DEPOTS), rnd.randrange(VEHICLES)
            km, stops, hour = rnd.uniform(1, 25), rnd.randint(0, 20), rnd.uniform(7, 20)
            rush = 1 + 0.6 * math.exp(-((hour - 8.5) ** 2)) + 0.7 * math.exp(-((hour - 17) ** 2) / 2)
            minutes = (km * pace[depot] * rush + stops * service[vehicle]) * rnd.lognormvariate(0, 0.08) + 2
            cats.append((depot, vehicle))
            nums.append(((km - 13) / 7, (stops - 10) / 6, (hour - 13.5) / 3.75))
            targets.append((math.log(minutes) - 3.9) / 0.6)
        self.cats, self.nums = torch.tensor(cats), torch.tensor(nums)
        self.targets = torch.tensor(targets)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        return self.cats[i], self.nums[i], self.targets[i]


class EtaModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.depot = nn.Embedding(DEPOTS, 4)
        self.vehicle = nn.Embedding(VEHICLES, 2)
        self.body = nn.Sequential(nn.Linear(9, 64), nn.GELU(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, cats, nums):
        joined = torch.cat([self.depot(cats[:, 0]), self.vehicle(cats[:, 1]), nums], dim=1)
        return self.body(joined).squeeze(1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    trips = Trips(3000, random.Random(seed))
    train, val = random_split(trips, [2400, 600])
    train_loader = DataLoader(train, batch_size=80, shuffle=True)
    val_loader = DataLoader(val, batch_size=200)
    model = EtaModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    loss_fn = nn.SmoothL1Loss()
    for epoch in range(18):
        model.train()
        losses = []
        for cats, nums, target in train_loader:
            loss = loss_fn(model(cats, nums), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        with torch.no_grad():
            preds, truth = zip(*((model(c, x), t) for c, x, t in val_loader))
        preds, truth = torch.cat(preds), torch.cat(truth)
        r2 = 1 - (preds - truth).pow(2).sum() / (truth - truth.mean()).pow(2).sum()
        print(f"[{epoch:02d}] train {sum(losses) / len(losses):.4f} val R2 {r2:.4f}")
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
