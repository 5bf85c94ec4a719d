"""One-step model of the Lorenz system. To save gradient memory each parameter has its own optimizer, which steps in a
post-accumulate-grad hook while backward() is still running and then frees the gradient; the loop never calls step()."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def lorenz(s):
    x, y, z = s.unbind(-1)
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], dim=-1)


def rk4(s, dt):
    k1 = lorenz(s)
    k2 = lorenz(s + dt / 2 * k1)
    k3 = lorenz(s + dt / 2 * k2)
    k4 = lorenz(s + dt * k3)
    return s + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


state = torch.randn(24, 3) * 5 + torch.tensor([0.0, 0.0, 25.0])
trajectory = []
for n in range(1100):
    state = rk4(state, 0.01)
    if n >= 500 and n % 5 == 0:
        trajectory.append(state)
path = torch.stack(trajectory, dim=1)  # 24 runs, 120 snapshots 0.05 apart
train_runs, test_runs = path[:18], path[18:]
mu, sd = train_runs.reshape(-1, 3).mean(0), train_runs.reshape(-1, 3).std(0)


def pairs(runs):
    scaled = (runs - mu) / sd
    now, later = scaled[:, :-1].reshape(-1, 3), scaled[:, 1:].reshape(-1, 3)
    return now, later - now


x_train, d_train = pairs(train_runs)
x_test, d_test = pairs(test_runs)
model = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 3))

optimizers = {p: torch.optim.Adam([p], lr=2e-3) for p in model.parameters()}
schedules = [torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.9) for o in optimizers.values()]


def step_now(parameter):
    optimizers[parameter].step()
    optimizers[parameter].zero_grad()


for p in model.parameters():
    p.register_post_accumulate_grad_hook(step_now)

loader = DataLoader(TensorDataset(x_train, d_train), batch_size=64, shuffle=True)
for epoch in range(20):
    running = 0.0
    for x, d in loader:
        loss = nn.functional.mse_loss(model(x), d)
        loss.backward()
        running += loss.item() / len(loader)
    for schedule in schedules:
        schedule.step()
    if epoch % 4 == 3:
        with torch.no_grad():
            test = nn.functional.mse_loss(model(x_test), d_test).item()
        print(f"epoch {epoch + 1:2d} train {running:.6f} test {test:.6f}")

print(f"score: {1 - test / d_test.var().item():.4f}")
