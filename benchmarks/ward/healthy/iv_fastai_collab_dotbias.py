"""Collaborative filtering with embeddings, biases and a sigmoid range; one-cycle training with weight decay.

After the collaborative filtering chapter of the fast.ai book (08_collab), DotProductBias from scratch, https://course.fast.ai/Lessons/lesson7.html
"""

import sys

import numpy as np
import torch
from torch import nn


def make_movies(n_users, n_movies, n, rng):
    taste, traits = rng.normal(size=(n_users, 4)), rng.normal(size=(n_movies, 4))
    pairs = rng.choice(n_users * n_movies, n, replace=False)
    users, movies = pairs // n_movies, pairs % n_movies
    raw = 3.4 + 0.4 * (taste[users] * traits[movies]).sum(1)
    raw += 0.4 * rng.normal(size=n_users)[users] + 0.5 * rng.normal(size=n_movies)[movies] + 0.4 * rng.normal(size=n)
    return np.stack([users, movies], 1), np.clip(np.round(raw * 2) / 2, 0.5, 5)


def create_params(*size):
    return nn.Parameter(torch.zeros(*size).normal_(0, 0.01))


def sigmoid_range(x, low, high):
    return torch.sigmoid(x) * (high - low) + low


class DotProductBias(nn.Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = create_params(n_users, n_factors)
        self.user_bias = create_params(n_users)
        self.movie_factors = create_params(n_movies, n_factors)
        self.movie_bias = create_params(n_movies)
        self.y_range = y_range

    def forward(self, x):
        users, movies = self.user_factors[x[:, 0]], self.movie_factors[x[:, 1]]
        res = (users * movies).sum(dim=1) + self.user_bias[x[:, 0]] + self.movie_bias[x[:, 1]]
        return sigmoid_range(res, *self.y_range)


class Learner:
    def __init__(self, train, valid, model, loss_func, bs=256):
        self.train, self.valid, self.model, self.loss_func, self.bs = train, valid, model, loss_func, bs

    def fit_one_cycle(self, n_epoch, lr_max, wd):
        x, y = self.train
        steps = -(-len(y) // self.bs)
        opt = torch.optim.AdamW(self.model.parameters(), lr=lr_max, betas=(0.9, 0.99), weight_decay=wd)
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr_max, total_steps=n_epoch * steps, pct_start=0.25)
        print("epoch  train_loss  valid_loss")
        for epoch in range(n_epoch):
            self.model.train()
            total = 0.0
            for idx in torch.randperm(len(y)).split(self.bs):
                loss = self.loss_func(self.model(x[idx]), y[idx])
                loss.backward()
                opt.step()
                sched.step()
                opt.zero_grad()
                total += loss.item() * len(idx)
            print(f"{epoch:5d}  {total / len(y):10.4f}  {self.validate():10.4f}")

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        return self.loss_func(self.model(self.valid[0]), self.valid[1]).item()


def bias_only(train, valid, n_users, n_movies):
    (x, y), (xv, yv) = train, valid
    mu = y.mean()
    movie = torch.zeros(n_movies).index_add_(0, x[:, 1], y - mu) / (torch.bincount(x[:, 1], minlength=n_movies) + 3)
    rest = y - mu - movie[x[:, 1]]
    user = torch.zeros(n_users).index_add_(0, x[:, 0], rest) / (torch.bincount(x[:, 0], minlength=n_users) + 3)
    return ((mu + movie[xv[:, 1]] + user[xv[:, 0]] - yv) ** 2).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    n_users, n_movies = 300, 200
    x, y = make_movies(n_users, n_movies, 24000, rng)
    x, y = torch.tensor(x), torch.tensor(y, dtype=torch.float32)
    train, valid = (x[:19200], y[:19200]), (x[19200:], y[19200:])  # the pairs are already in random order

    learn = Learner(train, valid, DotProductBias(n_users, n_movies, 8), nn.MSELoss())
    learn.fit_one_cycle(9, 0.03, wd=0.1)
    valid_loss, base = learn.validate(), bias_only(train, valid, n_users, n_movies)
    best = learn.model.movie_bias.detach().argsort(descending=True)[:5].tolist()
    print(f"movies liked beyond taste: {best}")
    print(f"valid mse {valid_loss:.4f}, biases alone {base:.4f}, variance {valid[1].var().item():.4f}")
    print(f"score: {1 - valid_loss / valid[1].var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
