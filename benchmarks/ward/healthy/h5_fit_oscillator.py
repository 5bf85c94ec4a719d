"""Three physical scalars by gradient: the damping, stiffness and initial speed of an oscillator are fitted by
running it with semi-implicit Euler steps inside the loss. Twelve noisy runs from known positions; there is no network
at all.
"""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

DT, STEPS = 0.05, 80
true = {"damping": 0.35, "stiffness": 2.2, "speed": 0.8}


def simulate(x0, damping, stiffness, speed):
    x, v = x0, torch.zeros_like(x0) + speed
    track = []
    for _ in range(STEPS):
        v = v + DT * (-stiffness * x - damping * v)
        x = x + DT * v
        track.append(x)
    return torch.stack(track, 1)


x0 = torch.linspace(-1.5, 1.5, 12)
clean = simulate(x0, **true)
observed = clean + 0.05 * torch.randn_like(clean)
x0_new = torch.linspace(-2, 2, 7)

log_damping = torch.zeros((), requires_grad=True)
log_stiffness = torch.zeros((), requires_grad=True)
speed = torch.zeros((), requires_grad=True)
optimizer = torch.optim.Adam([log_damping, log_stiffness, speed], lr=0.05)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)

for it in range(1, 201):
    optimizer.zero_grad()
    track = simulate(x0, log_damping.exp(), log_stiffness.exp(), speed)
    loss = torch.mean((track - observed) ** 2)
    loss.backward()
    optimizer.step()
    scheduler.step()
    if it % 25 == 0:
        print(
            f"iter {it:3d} mse {loss.item():.5f} damping {log_damping.exp().item():.3f} "
            f"stiffness {log_stiffness.exp().item():.3f} speed {speed.item():.3f}"
        )

with torch.no_grad():
    forecast = simulate(x0_new, log_damping.exp(), log_stiffness.exp(), speed)
    truth = simulate(x0_new, **true)
print("true values", true)
print(f"score: {1 - ((forecast - truth) ** 2).mean().item() / truth.var().item():.4f}")
