"""Cuisine from an unordered list of ingredients: EmbeddingBag with offsets made by a collate function, Adagrad.
Score: accuracy on held-out recipes.
"""

import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
CUISINES, INGREDIENTS = 8, 200


class Recipes(Dataset):
    def __init__(self, n, pantry, generator):
        self.items = []
        for _ in range(n):
            label = int(torch.randint(CUISINES, (1,), generator=generator))
            size = int(torch.randint(4, 13, (1,), generator=generator))
            bag = torch.multinomial(pantry[label], size, replacement=False, generator=generator)
            self.items.append((bag, label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    bags, labels = zip(*batch)
    sizes = torch.tensor([len(b) for b in bags])
    return torch.cat(bags), sizes.cumsum(0) - sizes, torch.tensor(labels)


class CuisineNet(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.bag = nn.EmbeddingBag(INGREDIENTS, dim, mode="mean")
        self.head = nn.Linear(dim, CUISINES)

    def forward(self, tokens, offsets):
        return self.head(self.bag(tokens, offsets))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    right = sum((model(t, o).argmax(1) == y).sum().item() for t, o, y in loader)
    return right / len(loader.dataset)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--lr", type=float, default=0.1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    pantry = torch.softmax(1.2 * torch.randn(CUISINES, INGREDIENTS, generator=g), 1)
    train = DataLoader(Recipes(6000, pantry, g), batch_size=32, shuffle=True, collate_fn=collate)
    test = DataLoader(Recipes(1500, pantry, g), batch_size=256, collate_fn=collate)
    model = CuisineNet()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=args.lr)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for tokens, offsets, labels in train:
            loss = loss_fn(model(tokens, offsets), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"[{epoch}] loss {total / len(train):.4f} test accuracy {evaluate(model, test):.4f}")
    print(f"score: {evaluate(model, test):.4f}")
