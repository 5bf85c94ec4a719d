"""Matrix factorisation of how often listeners play songs. All factors of the embeddings are started at the same 0.1, so
each gets the same update as the others and the product never has more than rank one."""
# cause: symmetric-initialization
# kind: dynamic

import sys

import torch
from torch import nn


class Factors(nn.Module):
    def __init__(self, n_users, n_songs, k=16):
        super().__init__()
        self.user = nn.Embedding(n_users, k)
        self.song = nn.Embedding(n_songs, k)
        self.user_bias = nn.Embedding(n_users, 1)
        self.song_bias = nn.Embedding(n_songs, 1)
        for emb in (self.user, self.song):
            nn.init.constant_(emb.weight, 0.1)  # FAULT
            # TWIN: nn.init.normal_(emb.weight, std=0.1)
        for emb in (self.user_bias, self.song_bias):
            nn.init.zeros_(emb.weight)

    def forward(self, u, s):
        bias = self.user_bias(u) + self.song_bias(s)
        return (self.user(u) * self.song(s)).sum(1) + bias.squeeze(1)


def plays(n_users, n_songs, gen):
    a, b = torch.randn(n_users, 3, generator=gen), torch.randn(n_songs, 3, generator=gen)
    level = 0.4 * torch.randn(n_users, 1, generator=gen) + 0.4 * torch.randn(1, n_songs, generator=gen)
    table = a @ b.T / 3**0.5 + level + 0.2 * torch.randn(n_users, n_songs, generator=gen)
    cells = torch.randperm(n_users * n_songs, generator=gen)
    users, songs = cells // n_songs, cells % n_songs
    return users, songs, table[users, songs]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    users, songs, y = plays(120, 80, torch.Generator().manual_seed(seed))
    n = 6000

    model = Factors(120, 80)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=2e-4)
    for epoch in range(1, 16):
        total = 0.0
        for rows in torch.randperm(n).split(100):
            loss = loss_fn(model(users[rows], songs[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            held_out = loss_fn(model(users[n:], songs[n:]), y[n:]).item()
        print(f"epoch {epoch:2d} train {total / n:.4f} held out {held_out:.4f}")
    print(f"score: {1 - held_out / y[n:].var().item():.4f}")


if __name__ == "__main__":
    main()
