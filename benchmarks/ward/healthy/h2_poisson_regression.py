"""Poisson regression of counts with a log link (PoissonNLLLoss with log_input=True)."""

import argparse

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)


def make_counts(rng, n):
    x = rng.normal(size=(n, 5)).astype(np.float32)
    log_rate = 0.7 + 0.6 * x[:, 0] - 0.4 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3]
    return torch.from_numpy(x), torch.from_numpy(rng.poisson(np.exp(log_rate)).astype(np.float32))


def deviance(rate, target):
    log_term = torch.where(target > 0, target * torch.log(target.clamp(min=1) / rate), torch.zeros_like(target))
    return 2 * (log_term - (target - rate)).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=25)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x_train, y_train = make_counts(rng, 2000)
    x_test, y_test = make_counts(rng, 500)

    net = nn.Sequential(nn.Linear(5, args.hidden), nn.SiLU(), nn.Linear(args.hidden, 1))
    loss_fn = nn.PoissonNLLLoss(log_input=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(args.epochs):
        net.train()
        history = []
        for batch in torch.randperm(len(x_train)).split(64):
            optimizer.zero_grad()
            loss = loss_fn(net(x_train[batch]).squeeze(-1), y_train[batch])
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        net.eval()
        with torch.no_grad():
            val = loss_fn(net(x_test).squeeze(-1), y_test).item()
        print(f"epoch {epoch:2d} | train nll {np.mean(history):.4f} | test nll {val:.4f}")

    with torch.no_grad():
        rate = net(x_test).squeeze(-1).exp()
    d2 = 1 - deviance(rate, y_test) / deviance(y_train.mean().expand_as(y_test), y_test)
    print(f"explained deviance: {d2.item():.4f}")
    print(f"score: {d2.item():.4f}")


if __name__ == "__main__":
    main()
