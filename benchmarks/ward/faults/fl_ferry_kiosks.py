"""Takings of ferry kiosks: which kiosk, which goods, and five figures of the day. Embeddings and a small network."""
# cause: missing-step
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
KIOSKS, GOODS, DIM = 150, 60, 4


class Tables(nn.Module):
    def __init__(self):
        super().__init__()
        self.kiosk = nn.Embedding(KIOSKS, DIM, sparse=True)
        self.goods = nn.Embedding(GOODS, DIM, sparse=True)
        for table in (self.kiosk, self.goods):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, kiosk, goods):
        return torch.cat([self.kiosk(kiosk), self.goods(goods)], dim=1)


tables = Tables()
dense = nn.Sequential(nn.Linear(2 * DIM + 5, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
for_tables = torch.optim.SparseAdam(list(tables.parameters()), lr=1e-2)
for_dense = torch.optim.Adam(dense.parameters(), lr=2e-3)

place, worth = torch.randn(KIOSKS), torch.randn(GOODS)
slope = 0.4 * torch.randn(5)


def sales(n):
    kiosk, goods, day = torch.randint(0, KIOSKS, (n,)), torch.randint(0, GOODS, (n,)), torch.randn(n, 5)
    takings = place[kiosk] + worth[goods] + torch.tanh(day @ slope) + 0.3 * torch.randn(n)
    return kiosk, goods, day, takings / 1.7


def predict(kiosk, goods, day):
    return dense(torch.cat([tables(kiosk, goods), day], dim=1)).squeeze(1)


train = sales(8000)
kiosk, goods, day, takings = sales(1500)
for epoch in range(10):
    losses = []
    for rows in torch.randperm(8000).split(100):
        *inputs, target = (column[rows] for column in train)
        loss = nn.functional.mse_loss(predict(*inputs), target)
        for_tables.zero_grad()
        for_dense.zero_grad()
        loss.backward()
        # TWIN: for_tables.step()
        for_dense.step()
        losses.append(loss.item())
    with torch.no_grad():
        error = (predict(kiosk, goods, day) - takings).square().mean()
    r2 = 1 - (error / takings.var()).item()
    print(f"epoch {epoch + 1:2d} loss {sum(losses) / len(losses):.4f} held-out R2 {r2:.4f}")
print(f"score: {r2:.4f}")
