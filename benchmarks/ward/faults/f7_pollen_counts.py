"""Daily pollen counts from weather, Poisson regression with a small network trained from scratch. The step size came
along with a script that fine-tuned a big language model."""
# cause: learning-rate-too-low
# accept: under-trained
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


def weather(n, g):
    temperature = 15 + 7 * torch.randn(n, generator=g)
    rain = torch.relu(torch.randn(n, generator=g))
    wind = 2 + 1.5 * torch.rand(n, generator=g)
    day = torch.rand(n, generator=g) * 365
    season = torch.exp(-((day - 135) ** 2) / (2 * 35**2)) + 0.5 * torch.exp(-((day - 200) ** 2) / (2 * 20**2))
    rate = torch.exp(0.4 + 2.6 * season + 0.05 * (temperature - 15) - 0.8 * rain + 0.2 * (wind - 2))
    angle = day / 365 * 2 * torch.pi
    x = torch.stack([(temperature - 15) / 7, rain, (wind - 2.75) / 0.45, angle.sin(), angle.cos()], dim=1)
    return x, torch.poisson(rate, generator=g)


def deviance(log_rate, count):
    ratio = torch.where(count > 0, count * (torch.log(count.clamp(min=1)) - log_rate), torch.zeros_like(count))
    return 2 * (ratio - (count - log_rate.exp())).mean()


def build():
    return nn.Sequential(nn.Linear(5, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))


def fit(model, x, y, args):
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    for epoch in range(args.epochs):
        order = torch.randperm(len(x))
        losses = []
        for idx in order.split(args.batch_size):
            loss = F.poisson_nll_loss(model(x[idx]).squeeze(1), y[idx], log_input=True)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch:2d} nll {sum(losses) / len(losses):.4f}")


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=25)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--lr", type=float, default=2e-5)  # FAULT
# TWIN: parser.add_argument("--lr", type=float, default=3e-3)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
g = torch.Generator().manual_seed(args.seed + 40)
x, y = weather(3000, g)
x_test, y_test = weather(800, g)
model = build()
fit(model, x, y, args)
with torch.no_grad():
    own = deviance(model(x_test).squeeze(1), y_test)
    flat = deviance(torch.full_like(y_test, y.mean().log().item()), y_test)
print(f"deviance {own:.4f}, of a constant {flat:.4f}")
print(f"score: {1 - own / flat:.4f}")
