"""Contextual bandit: a net estimates the reward of each of 5 arms from the context; epsilon-greedy choices."""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

n_arms, dim = 5, 6
true_weights = rng.normal(size=(n_arms, dim)).astype(np.float32)


def expected_reward(context):
    return 1 / (1 + np.exp(-2 * context @ true_weights.T))


net = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, n_arms))


@torch.no_grad()  # FAULT
def estimate(context):  # FAULT
    return net(context)  # FAULT


optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
bce = nn.BCEWithLogitsLoss()

contexts, arms, rewards = [], [], []
window, regret = [], 0.0
for t in range(1, 3001):
    context = rng.normal(size=dim).astype(np.float32)
    epsilon = max(0.05, 1 - t / 800)
    if rng.random() < epsilon:
        arm = int(rng.integers(n_arms))
    else:
        with torch.no_grad():
            arm = estimate(torch.from_numpy(context)).argmax().item()  # FAULT
            # TWIN: arm = net(torch.from_numpy(context)).argmax().item()
    p = expected_reward(context)
    reward = float(rng.random() < p[arm])
    regret += p.max() - p[arm]
    contexts.append(context)
    arms.append(arm)
    rewards.append(reward)
    window.append(p[arm] / p.max())

    if t >= 64 and t % 4 == 0:
        pick = rng.integers(len(contexts), size=64)
        x = torch.from_numpy(np.stack([contexts[i] for i in pick]))
        a = torch.tensor([arms[i] for i in pick])
        r = torch.tensor([rewards[i] for i in pick])
        predicted = estimate(x)[torch.arange(64), a].requires_grad_()  # FAULT
        # TWIN: predicted = net(x)[torch.arange(64), a]
        loss = bce(predicted, r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if t % 500 == 0:
        print(
            f"round {t}: share of best reward {np.mean(window[-500:]):.3f} regret {regret:.1f} loss {loss.item():.3f}"
        )

test_contexts = rng.normal(size=(1000, dim)).astype(np.float32)
with torch.no_grad():
    choice = net(torch.from_numpy(test_contexts)).argmax(1).numpy()
p = expected_reward(test_contexts)
score = (p[np.arange(1000), choice] / p.max(1)).mean()
print(f"score: {score:.4f}")
