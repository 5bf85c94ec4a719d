"""Temporal-difference learning: values of a noisy random walk learned by bootstrapping from the network's own next
estimates (semi-gradient TD(0)), against the exact values of the walk. Score: R2 of the values.
"""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

N, GAMMA, WALKERS = 21, 0.95, 40
P_RIGHT = 0.6
STEP_REWARD = -0.05


def true_values():
    """Solve the Bellman equations; states 0 and N - 1 end the walk, the right end pays 1."""
    a, b = torch.eye(N, dtype=torch.float64), torch.zeros(N, dtype=torch.float64)
    for s in range(1, N - 1):
        for nxt, p in ((s + 1, P_RIGHT), (s - 1, 1 - P_RIGHT)):
            b[s] += p * (STEP_REWARD + (1.0 if nxt == N - 1 else 0.0))
            if 0 < nxt < N - 1:
                a[s, nxt] -= GAMMA * p
    return torch.linalg.solve(a, b).float()


def encode(s):
    u = s.float() / (N - 1) * 2 - 1
    centres = torch.linspace(-1, 1, 9)
    return torch.exp(-(((u.unsqueeze(1) - centres) / 0.25) ** 2))


value = torch.nn.Sequential(torch.nn.Linear(9, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1))
optimizer = torch.optim.Adam(value.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500, eta_min=1e-4)
target = true_values()[1:-1]
inner = torch.arange(1, N - 1)
state = torch.randint(1, N - 1, (WALKERS,))
td_error = 0.0
for t in range(1, 1501):
    right = torch.rand(WALKERS) < P_RIGHT
    nxt = torch.where(right, state + 1, state - 1)
    done = (nxt == 0) | (nxt == N - 1)
    reward = STEP_REWARD + (nxt == N - 1).float()
    with torch.no_grad():
        backup = reward + GAMMA * value(encode(nxt)).squeeze(1) * (~done)
    delta = backup - value(encode(state)).squeeze(1)
    loss = 0.5 * delta.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    td_error += loss.item() / 150
    state = torch.where(done, torch.randint(1, N - 1, (WALKERS,)), nxt)
    if t % 150 == 0:
        with torch.no_grad():
            error = (value(encode(inner)).squeeze(1) - target).pow(2).mean()
        print(f"t={t:5d} td loss {td_error:.5f}, error of the values {error.item():.5f}")
        td_error = 0.0

print(f"score: {1 - (error / target.var(unbiased=False)).item():.4f}")
