"""Power curves of wind turbines at five sites that keep their data to themselves: federated averaging. Each round every
site trains its own copy for a few steps with a fresh SGD; the server averages the weights by the sizes of the sites.
"""

import copy
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def site(n, calm):
    speed = torch.distributions.Weibull(8.0 * calm, 2.0).sample((n,)).clamp(max=26)
    density = 1.2 + 0.06 * torch.randn(n)
    gust = torch.rand(n)
    pitch = 2 * torch.rand(n) - 1
    curve = torch.sigmoid((speed * (density / 1.2) ** 0.33 - 8.5) / 1.5) * (1 - 0.1 * gust) * (1 - 0.15 * pitch**2)
    x = torch.stack([(speed - 8) / 4, (density - 1.2) / 0.06, 2 * gust - 1, pitch], 1)
    return TensorDataset(x, (curve + 0.04 * torch.randn(n)).unsqueeze(1))


def average(states, shares):
    return {k: sum(w * s[k] for w, s in zip(shares, states)) for k in states[0]}


def local_update(server, loader, rate, passes=2):
    model = copy.deepcopy(server)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    model.train()
    for _ in range(passes):
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.state_dict(), loss.item()


def evaluate(model, dataset):
    model.eval()
    x, y = dataset.tensors
    with torch.no_grad():
        return 1 - ((model(x) - y).pow(2).mean() / y.var()).item()


def main(seed):
    torch.manual_seed(seed)
    sizes = [700, 500, 400, 300, 200]
    calms = [0.8, 1.0, 1.1, 0.9, 1.3]
    sites = [DataLoader(site(n, c), batch_size=32, shuffle=True) for n, c in zip(sizes, calms)]
    val, test = site(600, 1.0), site(1000, 1.0)
    server = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    shares = [n / sum(sizes) for n in sizes]
    for round_ in range(25):
        rate = 0.03 if round_ < 18 else 0.006
        results = [local_update(server, loader, rate) for loader in sites]
        server.load_state_dict(average([state for state, _ in results], shares))
        if round_ % 3 == 0:
            losses = " ".join(f"{loss:.4f}" for _, loss in results)
            print(f"round {round_}: sites {losses} | server R2 {evaluate(server, val):.4f}")
    print(f"score: {evaluate(server, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
