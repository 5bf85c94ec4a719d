"""How many loaves to bake: a network gives the rate of a Poisson count from weekday, weather and holidays. Three passes
were enough for the demonstration."""
# cause: under-trained
# accept: learning-rate-too-low
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PASSES = 3  # FAULT
# TWIN: PASSES = 40


def days(n):
    weekday = torch.randint(7, (n,))
    weather, season = torch.randn(n), 2 * math.pi * torch.rand(n)
    holiday = (torch.rand(n) < 0.15).float()
    log_rate = 2.2 + 0.5 * torch.sin(2 * math.pi * weekday / 7) * (1 - holiday) + 0.5 * holiday * torch.cos(season)
    log_rate = log_rate + 0.4 * torch.tanh(weather) * torch.sin(season)
    weekdays = (nn.functional.one_hot(weekday, 7).float() - 1 / 7) / 0.35
    rest = torch.stack([weather, 1.4 * season.sin(), 1.4 * season.cos(), (holiday - 0.15) / 0.36], 1)
    return torch.cat([weekdays, rest], 1), torch.poisson(log_rate.exp()), log_rate


def deviance(log_rate, count):
    ratio = torch.where(count > 0, count * (count.clamp_min(1).log() - log_rate), torch.zeros(()))
    return 2 * (ratio - count + log_rate.exp()).mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, count, _ = days(3000)
    x_test, count_test, _ = days(600)
    loader = DataLoader(TensorDataset(x, count), batch_size=64, shuffle=True)
    net = nn.Sequential(nn.Linear(11, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    nn.init.constant_(net[-1].bias, count.mean().log().item())
    criterion = nn.PoissonNLLLoss(log_input=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for i in range(PASSES):
        for batch, target in loader:
            loss = criterion(net(batch).squeeze(1), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            out = net(x_test).squeeze(1)
        print(f"pass {i} loss {loss.item():.3f} test {criterion(out, count_test).item():.4f}")
    plain = deviance(count.mean().log().expand(len(count_test)), count_test)
    print(f"score: {1 - deviance(out, count_test) / plain:.4f}")


main()
