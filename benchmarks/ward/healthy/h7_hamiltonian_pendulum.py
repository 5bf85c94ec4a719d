"""A Hamiltonian network in double precision: a scalar H(q, p) whose derivatives must give the measured motion of a
pendulum (the derivatives themselves are taken with create_graph=True). Scored by R2 of the field on new states.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def true_field(state):
    q, p = state.unbind(-1)
    return torch.stack([p, -torch.sin(q)], dim=-1)


def sample_states(n):
    return (torch.rand(n, 2) - 0.5) * torch.tensor([5.0, 4.0])


class HamiltonianNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.last = nn.Linear(width, 1, bias=False)
        for module in self.energy:
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight, gain=nn.init.calculate_gain("tanh"))
                nn.init.zeros_(module.bias)

    def forward(self, state):
        with torch.enable_grad():
            state = state.requires_grad_(True)
            h = self.last(self.energy(state)).sum()
            (dh,) = torch.autograd.grad(h, state, create_graph=True)
        return torch.stack([dh[..., 1], -dh[..., 0]], dim=-1)


train_states = sample_states(1000)
train_motion = true_field(train_states) + 0.05 * torch.randn(1000, 2)
test_states = sample_states(500)
test_motion = true_field(test_states)

model = HamiltonianNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=800)

for step in range(1, 801):
    pick = torch.randint(len(train_states), (100,))
    loss = (model(train_states[pick]) - train_motion[pick]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 100 == 0:
        error = (model(test_states.clone()).detach() - test_motion).square().mean()
        print(f"step {step}: batch mse {loss.item():.5f}, mse on new states {error.item():.6f}")

r2 = 1 - error / (test_motion - test_motion.mean(0)).square().mean()
print(f"score: {r2.item():.5f}")
