"""Matrix factorisation recommender: user and item embeddings with biases fitted to noisy synthetic ratings."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
USERS, ITEMS = 80, 60


class MF(nn.Module):
    def __init__(self, k=4):
        super().__init__()
        self.user = nn.Embedding(USERS, k)
        self.item = nn.Embedding(ITEMS, k)
        self.user_bias = nn.Embedding(USERS, 1)
        self.item_bias = nn.Embedding(ITEMS, 1)
        nn.init.normal_(self.user.weight, std=0.3)
        nn.init.normal_(self.item.weight, std=0.3)
        nn.init.zeros_(self.user_bias.weight)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, u, i):
        dot = (self.user(u) * self.item(i)).sum(1)
        return dot + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    taste, kind = torch.randn(USERS, 3), torch.randn(ITEMS, 3)
    ratings = taste @ kind.T / 3**0.5 + 0.5 * torch.randn(ITEMS) + 0.3 * torch.randn(USERS, ITEMS)
    u, i = torch.meshgrid(torch.arange(USERS), torch.arange(ITEMS), indexing="ij")
    data = TensorDataset(u.flatten(), i.flatten(), (ratings - ratings.mean()).flatten() / ratings.std())
    train, test = random_split(data, [3600, 1200])
    loader = DataLoader(train, batch_size=120, shuffle=True)
    ut, it, rt = test[:]

    model = MF()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-5)
    for epoch in range(20):
        model.train()
        total = 0.0
        for ub, ib, rb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(ub, ib), rb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            rmse = nn.functional.mse_loss(model(ut, it), rt).sqrt().item()
        print(f"epoch {epoch + 1}: train mse {total / len(loader):.4f} test rmse {rmse:.4f}")
    print(f"score: {1 - rmse**2 / rt.var().item():.4f}")


if __name__ == "__main__":
    main()
