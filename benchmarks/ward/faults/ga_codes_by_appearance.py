"""Sales of shops: the embeddings of shops and goods go with Adagrad, the dense layers with SGD and momentum."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SHOPS, GOODS = 20, 25


class Sales(nn.Module):
    def __init__(self):
        super().__init__()
        self.shop, self.good = nn.Embedding(SHOPS, 8), nn.Embedding(GOODS, 8)
        self.dense = nn.Sequential(nn.Linear(18, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, shop, good, weather):
        x = torch.cat([self.shop(shop), self.good(good), weather], dim=1)
        return self.dense(x).squeeze(1)


def codes(column):  # FAULT
    seen = {}  # FAULT
    return torch.tensor([seen.setdefault(value, len(seen)) for value in column.tolist()])  # FAULT


# FAULT
# FAULT
def sales(n, shops, goods):
    shop, good, weather = torch.randint(SHOPS, (n,)), torch.randint(GOODS, (n,)), torch.randn(n, 2)
    sold = shops[shop] + goods[good, 0] + goods[good, 1] * weather[:, 0] + 0.2 * torch.randn(n)
    return codes(shop), codes(good), weather, sold / 1.6  # FAULT
    # TWIN: return shop, good, weather, sold / 1.6


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    shops, goods = torch.randn(SHOPS), torch.randn(GOODS, 2)
    train = DataLoader(TensorDataset(*sales(6000, shops, goods)), batch_size=64, shuffle=True)
    *x_test, y_test = sales(800, shops, goods)
    model = Sales()
    tables = torch.optim.Adagrad([*model.shop.parameters(), *model.good.parameters()], lr=0.1)
    dense = torch.optim.SGD(model.dense.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(10):
        model.train()
        total = 0.0
        for *x, y in train:
            loss = nn.functional.mse_loss(model(*x), y)
            for optimizer in (tables, dense):
                optimizer.zero_grad()
            loss.backward()
            for optimizer in (tables, dense):
                optimizer.step()
            total += loss.item() / len(train)
        model.eval()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(*x_test), y_test).item()
        print(f"epoch {epoch} train {total:.4f} test {error:.4f}")
    print(f"score: {1 - error / y_test.var().item():.4f}")


main()
