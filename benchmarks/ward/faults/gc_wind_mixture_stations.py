"""Direction of the wind in three hours from pressures at five stations: a mixture of two von Mises densities on the
circle. Everything is functional: parameters in a dictionary, gradients from torch.func, Adam written by hand.
"""
# cause: softmax-wrong-axis
# kind: dynamic

import math
import sys

import torch
from torch.func import grad_and_value

torch.set_num_threads(1)
STATIONS, HIDDEN, PARTS = 5, 32, 2


def draw(n, rng, places):
    slope = torch.randn(n, 2, generator=rng)
    pressure = slope @ places.T + 0.15 * torch.randn(n, STATIONS, generator=rng)
    sea = torch.rand(n, 1, generator=rng)
    bearing = torch.atan2(slope[:, 1], slope[:, 0]) + math.pi / 2
    flips = (torch.rand(n, generator=rng) < 0.35 * sea[:, 0]).float()
    bearing = bearing + flips * math.pi / 2 + 0.2 * torch.randn(n, generator=rng)
    return torch.cat([pressure, 2 * sea - 1], 1), torch.remainder(bearing + math.pi, 2 * math.pi) - math.pi


def init(rng):
    def dense(n_in, n_out, gain):
        return gain * torch.randn(n_in, n_out, generator=rng) / math.sqrt(n_in)

    return {
        "w1": dense(STATIONS + 1, HIDDEN, 1.0),
        "b1": torch.zeros(HIDDEN),
        "w2": dense(HIDDEN, HIDDEN, 1.0),
        "b2": torch.zeros(HIDDEN),
        "w3": dense(HIDDEN, 4 * PARTS, 0.7),
        "b3": torch.zeros(4 * PARTS),
    }


def log_density(params, x, angle):
    h = torch.tanh(x @ params["w1"] + params["b1"])
    h = torch.tanh(h @ params["w2"] + params["b2"])
    weight, u, v, raw = (h @ params["w3"] + params["b3"]).chunk(4, -1)
    kappa = torch.nn.functional.softplus(raw) + 0.1
    size = torch.sqrt(u**2 + v**2 + 1e-6)
    cosine = (u * torch.cos(angle)[:, None] + v * torch.sin(angle)[:, None]) / size
    log_i0 = torch.log(torch.special.i0e(kappa)) + kappa
    parts = kappa * cosine - log_i0 - math.log(2 * math.pi)
    return torch.logsumexp(torch.log_softmax(weight, 0) + parts, -1)  # FAULT
    # TWIN: return torch.logsumexp(torch.log_softmax(weight, -1) + parts, -1)


def nll(params, x, angle):
    return -log_density(params, x, angle).mean()


def main(seed):
    rng = torch.Generator().manual_seed(seed)
    places = torch.randn(STATIONS, 2, generator=rng)
    x, y = draw(4000, rng, places)
    x_test, y_test = draw(1500, rng, places)
    centre, spread = x.mean(0), x.std(0)
    x, x_test = (x - centre) / spread, (x_test - centre) / spread
    params = init(rng)
    m = {k: torch.zeros_like(p) for k, p in params.items()}
    v = {k: torch.zeros_like(p) for k, p in params.items()}
    step_fn, step = grad_and_value(nll), 0
    for epoch in range(25):
        rate, total = 4e-3 * (1 - epoch / 25), 0.0
        for idx in torch.randperm(len(x), generator=rng).split(100):
            step += 1
            grads, loss = step_fn(params, x[idx], y[idx])
            for k, g in grads.items():
                m[k] = 0.9 * m[k] + 0.1 * g
                v[k] = 0.999 * v[k] + 0.001 * g**2
                update = (m[k] / (1 - 0.9**step)) / ((v[k] / (1 - 0.999**step)).sqrt() + 1e-8)
                params[k] = params[k] - rate * update
            total += loss.item() * len(idx)
        print(f"epoch {epoch}: train nll {total / len(x):.4f} test nll {nll(params, x_test, y_test).item():.4f}")
    print(f"uniform on the circle: {math.log(2 * math.pi):.4f}")
    print(f"score: {math.log(2 * math.pi) - nll(params, x_test, y_test).item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
