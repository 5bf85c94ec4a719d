"""Recommends seeds to allotment keepers: stars of 300 keepers for 200 varieties, factors plus biases.

The factors start small and random; nn.Embedding.from_pretrained is the shortest way to hand such a table over.
"""
# cause: frozen-parameters
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

KEEPERS, SEEDS, FACTORS = 300, 200, 6


class Stars(Dataset):
    def __init__(self, keeper, variety, stars):
        self.keeper, self.variety, self.stars = keeper, variety, stars

    def __len__(self):
        return len(self.stars)

    def __getitem__(self, i):
        return self.keeper[i], self.variety[i], self.stars[i]


def collect():
    taste, trait = torch.randn(KEEPERS, 4), torch.randn(SEEDS, 4)
    generosity, fame = 0.5 * torch.randn(KEEPERS), 0.5 * torch.randn(SEEDS)
    pairs = torch.randperm(KEEPERS * SEEDS)[:18000]
    keeper, variety = pairs // SEEDS, pairs % SEEDS
    stars = (taste[keeper] * trait[variety]).sum(1) / 2 + generosity[keeper] + fame[variety]
    return keeper, variety, stars + 0.4 * torch.randn(len(pairs))


class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        self.keeper = nn.Embedding.from_pretrained(0.2 * torch.randn(KEEPERS, FACTORS))  # FAULT
        self.variety = nn.Embedding.from_pretrained(0.2 * torch.randn(SEEDS, FACTORS))  # FAULT
        # TWIN: self.keeper = nn.Embedding.from_pretrained(0.2 * torch.randn(KEEPERS, FACTORS), freeze=False)
        # TWIN: self.variety = nn.Embedding.from_pretrained(0.2 * torch.randn(SEEDS, FACTORS), freeze=False)
        self.keeper_bias = nn.Embedding(KEEPERS, 1)
        self.variety_bias = nn.Embedding(SEEDS, 1)
        nn.init.zeros_(self.keeper_bias.weight)
        nn.init.zeros_(self.variety_bias.weight)
        self.mean = nn.Parameter(torch.zeros(()))

    def forward(self, keeper, variety):
        bias = self.keeper_bias(keeper) + self.variety_bias(variety)
        return self.mean + bias.squeeze(1) + (self.keeper(keeper) * self.variety(variety)).sum(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    columns = collect()
    train = Stars(*(c[:15000] for c in columns))
    keeper, variety, stars = (c[15000:] for c in columns)
    loader = DataLoader(train, batch_size=500, shuffle=True)
    model = Recommender()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trainable, lr=2e-2, weight_decay=2e-5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)
    for epoch in range(20):
        losses = []
        for k, v, s in loader:
            loss = nn.functional.mse_loss(model(k, v), s)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(keeper, variety), stars).item()
        print(f"epoch {epoch + 1:2d}: train {sum(losses) / len(losses):.3f}, held out {error:.3f}")
    print(f"score: {1 - error / stars.var(unbiased=False).item():.4f}")


if __name__ == "__main__":
    main()
