"""Fits length and damping of a real pendulum from its swing: three numbers, one full-batch loss through many
integration steps, LBFGS with a closure. No network at all."""

import sys

import torch
from torch import nn

STEP, STEPS = 0.05, 120


class Pendulum(nn.Module):
    def __init__(self, length, damping, start):
        super().__init__()
        self.log_length = nn.Parameter(torch.tensor(length).log())
        self.log_damping = nn.Parameter(torch.tensor(damping).log())
        self.start = nn.Parameter(torch.tensor(start))

    def forward(self):
        pull, drag = 9.81 / self.log_length.exp(), self.log_damping.exp()
        angle, speed, track = self.start, torch.zeros(()), []
        for _ in range(STEPS):
            speed = speed + STEP * (-pull * angle.sin() - drag * speed)
            angle = angle + STEP * speed
            track.append(angle)
        return torch.stack(track)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    truth = Pendulum(1.0 + 0.1 * torch.rand(()).item(), 0.15, 0.9 + 0.3 * torch.rand(()).item())
    with torch.no_grad():
        clean = truth()
        seen = clean + 0.03 * torch.randn(STEPS)
    model = Pendulum(1.15, 0.3, 0.8)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=8, line_search_fn="strong_wolfe")

    for window in (30, 60, STEPS):

        def closure(window=window):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model()[:window], seen[:window])
            loss.backward()
            return loss

        for _ in range(3):
            loss = optimizer.step(closure)
            print(f"window {window} loss {loss.item():.6f} length {model.log_length.exp().item():.4f}")
    with torch.no_grad():
        r2 = 1 - (nn.functional.mse_loss(model(), clean) / clean.var()).item()
    print(f"score: {r2:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
