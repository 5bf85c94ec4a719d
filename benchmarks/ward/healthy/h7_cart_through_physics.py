"""A controller is trained by back-propagating through the physics: it must bring a cart with friction from a random
start to a stop at the origin. The cost of whole simulated runs is the loss; there is no data set.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
DT, HORIZON = 0.1, 25


class Controller(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, position, speed):
        return 4 * torch.tanh(self.net(torch.stack([position, speed], dim=-1)).squeeze(-1))


def starts(n):
    return 2 * torch.rand(n) - 1, 2 * torch.rand(n) - 1


def simulate(controller, position, speed):
    cost = torch.zeros(())
    for _ in range(HORIZON):
        force = controller(position, speed)
        speed = speed + DT * (force - 0.3 * speed * speed.abs())
        position = position + DT * speed
        cost = cost + (position**2 + 0.1 * speed**2 + 0.01 * force**2).mean() / HORIZON
    return cost, position


controller = Controller()
optimizer = torch.optim.Adam(controller.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.1, total_iters=250)
test_position, test_speed = starts(500)
idle_cost, _ = simulate(lambda position, speed: torch.zeros_like(position), test_position, test_speed)

for update in range(1, 251):
    cost, _ = simulate(controller, *starts(64))
    optimizer.zero_grad()
    cost.backward()
    nn.utils.clip_grad_norm_(controller.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if update % 25 == 0:
        with torch.no_grad():
            test_cost, final = simulate(controller, test_position, test_speed)
        print(
            f"update {update}: cost {cost:.4f}, test cost {test_cost:.4f}, mean end distance {final.abs().mean():.4f}"
        )

print(f"score: {1 - (test_cost / idle_cost).item():.4f}")
