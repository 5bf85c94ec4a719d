"""Film ratings by neural collaborative filtering. The optimizer is made from the parameters of the network on top, and
the two embedding tables, which are apart, stay at their random draw."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
from torch import nn

N_USERS, N_FILMS, DIM = 150, 80, 8


def ratings(n):
    taste, style = torch.randn(N_USERS, 3), torch.randn(N_FILMS, 3)
    user_mean, film_mean = 0.5 * torch.randn(N_USERS), 0.5 * torch.randn(N_FILMS)
    users, films = torch.randint(N_USERS, (n,)), torch.randint(N_FILMS, (n,))
    score = (taste[users] * style[films]).sum(1) / 3**0.5 + user_mean[users] + film_mean[films]
    return users, films, score + 0.3 * torch.randn(n)


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    users, films, score = ratings(9500)
    train, test = torch.arange(8500), torch.arange(8500, 9500)

    user_emb = nn.Embedding(N_USERS, DIM)
    film_emb = nn.Embedding(N_FILMS, DIM)
    for emb in (user_emb, film_emb):
        nn.init.normal_(emb.weight, std=0.3)
    mlp = nn.Sequential(nn.Linear(3 * DIM, 32), nn.ReLU(), nn.Linear(32, 1))
    everything = [*mlp.parameters(), *user_emb.parameters(), *film_emb.parameters()]
    print("parameters:", sum(p.numel() for p in everything))
    optimizer = torch.optim.Adam(mlp.parameters(), lr=5e-3)  # FAULT
    # TWIN: optimizer = torch.optim.Adam(everything, lr=5e-3, weight_decay=1e-4)

    def predict(rows):
        u, f = user_emb(users[rows]), film_emb(films[rows])
        return mlp(torch.cat([u, f, u * f], dim=1)).squeeze(1)

    for epoch in range(1, 19):
        total = 0.0
        for rows in train[torch.randperm(len(train))].split(100):
            loss = nn.functional.mse_loss(predict(rows), score[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            test_mse = nn.functional.mse_loss(predict(test), score[test]).item()
        print(f"epoch {epoch:2d}: mse {total / len(train):.4f}, held out {test_mse:.4f}")
    print(f"score: {1 - test_mse / score[test].var().item():.4f}")


if __name__ == "__main__":
    main()
