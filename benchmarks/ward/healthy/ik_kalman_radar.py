"""A Kalman filter for a radar that follows drones, with its noise levels, damping and gain of the sensor unknown: they
are learned by the likelihood of the innovations over whole tracks, at several rates by group. Eight numbers in all.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
DT, STEPS = 0.5, 40


def tracks(n, gen):
    place, speed = torch.randn(n, 2, generator=gen) * 5, torch.randn(n, 2, generator=gen) * 2
    seen, true = [], []
    for _ in range(STEPS):
        place = place + DT * speed
        speed = 0.92 * speed + torch.tensor([0.7, 0.3]) * torch.randn(n, 2, generator=gen)
        seen.append(1.15 * place + torch.tensor([1.2, 2.0]) * torch.randn(n, 2, generator=gen))
        true.append(place)
    return torch.stack(seen, 1), torch.stack(true, 1)


class Filter(nn.Module):
    """One filter per axis (place and speed); the axes share damping and gain."""

    def __init__(self):
        super().__init__()
        self.damping = nn.Parameter(torch.tensor(3.0))
        self.log_gain = nn.Parameter(torch.zeros(()))
        self.log_process = nn.Parameter(torch.zeros(2))
        self.log_sensor = nn.Parameter(torch.zeros(2))

    def forward(self, seen):
        n = seen.shape[0]
        damp, gain = torch.sigmoid(self.damping), self.log_gain.exp()
        f = torch.stack([torch.stack([torch.ones(()), torch.full((), DT)]), torch.stack([torch.zeros(()), damp])])
        q = torch.zeros(2, 2, 2)
        q[:, 1, 1] = (2 * self.log_process).exp()
        r = (2 * self.log_sensor).exp()
        mean = torch.zeros(n, 2, 2)
        cov = torch.diag(torch.tensor([25.0, 4.0])).expand(2, 2, 2)
        nll, places = 0.0, []
        for t in range(seen.shape[1]):
            mean = mean @ f.T
            cov = f @ cov @ f.T + q
            s = gain**2 * cov[:, 0, 0] + r
            innovation = seen[:, t] - gain * mean[:, :, 0]
            nll = nll + 0.5 * (innovation**2 / s + torch.log(2 * math.pi * s)).mean()
            k = gain * cov[:, :, 0] / s[:, None]
            mean = mean + innovation[:, :, None] * k
            cov = cov - k[:, :, None] * gain * cov[:, 0][:, None, :]
            places.append(mean[:, :, 0])
        return nll / seen.shape[1], torch.stack(places, 1)


def main(seed):
    gen = torch.Generator().manual_seed(seed)
    seen, _ = tracks(400, gen)
    seen_test, true_test = tracks(200, gen)
    model = Filter()
    optimizer = torch.optim.RMSprop(
        [
            {"params": [model.log_process, model.log_sensor], "lr": 0.02},
            {"params": [model.damping], "lr": 0.02},
            {"params": [model.log_gain], "lr": 0.012},
        ]
    )
    for epoch in range(16):
        for batch in seen[torch.randperm(len(seen), generator=gen)].split(50):
            optimizer.zero_grad()
            loss, _ = model(batch)
            loss.backward()
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.87
        with torch.no_grad():
            held, _ = model(seen_test)
        print(f"epoch {epoch} nll {loss.item():.4f} held-out {held.item():.4f} damping {model.damping.sigmoid():.3f}")
    with torch.no_grad():
        held, guess = model(seen_test)
    print("noise", model.log_process.exp().tolist(), model.log_sensor.exp().tolist(), model.log_gain.exp().item())
    scale = (1.15 * guess - true_test * 1.15).pow(2).mean() / (seen_test - 1.15 * true_test).pow(2).mean()
    print(f"error against raw sightings: {scale.item():.3f}")
    print(f"score: {-held.item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
