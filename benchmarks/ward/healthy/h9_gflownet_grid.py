"""GFlowNet with trajectory balance: sample cells of an 8x8 grid in proportion to a reward with four bright corners.
log Z is a learned scalar with its own, larger learning rate; exploration fades out. The score is one minus the
total variation between sampled cells and the target."""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
SIDE = 8


def reward(x, y):
    ax, ay = (x.float() / (SIDE - 1) - 0.5).abs(), (y.float() / (SIDE - 1) - 0.5).abs()
    return 0.1 + 0.5 * ((ax > 0.25) & (ay > 0.25)).float() + 2.0 * ((ax > 0.3) & (ax < 0.4) & (ay > 0.3) & (ay < 0.4))


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2 * SIDE, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.LeakyReLU())
        self.forward_head = nn.Linear(64, 3)  # right, up, stop
        self.log_z = nn.Parameter(torch.tensor(0.0))

    def forward(self, xy):
        h = self.net(nn.functional.one_hot(xy, SIDE).flatten(1).float())
        blocked = torch.cat([xy == SIDE - 1, torch.zeros(len(xy), 1, dtype=torch.bool)], dim=1)
        return self.forward_head(h).masked_fill(blocked, -1e9)


def rollout(policy, n, explore):
    xy = torch.zeros(n, 2, dtype=torch.long)
    log_pf, log_pb = torch.zeros(n), torch.zeros(n)
    alive = torch.ones(n, dtype=torch.bool)
    while alive.any():
        logits = policy(xy)
        probs = logits.detach().softmax(1)
        allowed = (logits > -1e8).float()
        action = torch.multinomial((1 - explore) * probs + explore * allowed / allowed.sum(1, keepdim=True), 1).squeeze(
            1
        )
        log_p = logits.log_softmax(1).gather(1, action[:, None]).squeeze(1)
        log_pf = log_pf + torch.where(alive, log_p, torch.zeros_like(log_p))
        moves = alive & (action < 2)
        xy = xy.clone()
        xy[moves, action[moves]] += 1
        n_parents = (xy > 0).sum(1).clamp(min=1).float()  # uniform backward policy
        log_pb = log_pb - torch.where(moves, n_parents.log(), torch.zeros(n))
        alive = moves
    return xy, log_pf, log_pb


policy = Policy()
weights = [p for name, p in policy.named_parameters() if name != "log_z"]
optimizer = torch.optim.Adam([{"params": weights, "lr": 2e-3}, {"params": [policy.log_z], "lr": 5e-2}])
steps = 500
for step in range(steps):
    explore = 0.2 * max(0.0, 1 - step / (0.8 * steps))
    xy, log_pf, log_pb = rollout(policy, 48, explore)
    loss = (policy.log_z + log_pf - log_pb - reward(*xy.unbind(1)).log()).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(f"step {step + 1}: balance loss {loss.item():.4f}  log Z {policy.log_z.item():.3f}")

gx, gy = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
target = reward(gx, gy)
print(f"true log Z {target.sum().log().item():.3f}")
with torch.no_grad():
    xy, _, _ = rollout(policy, 20000, 0.0)
counts = torch.bincount(xy[:, 0] * SIDE + xy[:, 1], minlength=SIDE * SIDE).float()
gap = 0.5 * (counts / counts.sum() - (target / target.sum()).flatten()).abs().sum()
uniform_gap = 0.5 * (1 / SIDE**2 - (target / target.sum()).flatten()).abs().sum()
print(f"total variation {gap.item():.4f} (uniform sampling {uniform_gap.item():.4f})")
print(f"score: {1 - gap.item():.4f}")
