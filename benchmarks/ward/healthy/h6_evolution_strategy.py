"""Evolution strategy with antithetic samples: no backward pass at all, the estimated gradient is written into .grad by
hand and Adam does the rest. The black box is the final error of a thrown-ball simulator steered by a small policy.
"""

import sys

import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

torch.set_num_threads(1)
SIGMA, PAIRS = 0.05, 16


def throw(policy, targets):
    """Fly with drag from the velocity that the policy picks; the squared miss in metres."""
    v = 4 * policy(targets / 2)
    x = torch.zeros_like(v)
    for _ in range(10):
        speed = v.norm(dim=1, keepdim=True)
        v = v - 0.05 * (0.3 * speed * v + torch.tensor([0.0, 2.0]))
        x = x + 0.05 * v
    return ((x - targets) ** 2).sum(1)


def main(seed):
    torch.manual_seed(seed)
    policy = torch.nn.Sequential(torch.nn.Linear(2, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2))
    for p in policy.parameters():
        p.requires_grad_(False)
    theta = parameters_to_vector(policy.parameters()).clone().requires_grad_()
    adam = torch.optim.Adam([theta], lr=0.03)
    schedule = torch.optim.lr_scheduler.StepLR(adam, 150, gamma=0.3)
    test = torch.rand(300, 2) * 2 - 0.5
    for generation in range(300):
        targets = torch.rand(64, 2) * 2 - 0.5
        noise = torch.randn(PAIRS, len(theta))
        grad = torch.zeros(len(theta))
        fitness = []
        for eps in noise:
            cost = []
            for sign in (1, -1):
                vector_to_parameters(theta.detach() + sign * SIGMA * eps, policy.parameters())
                cost.append(throw(policy, targets).mean())
            grad += (cost[0] - cost[1]) * eps / (2 * SIGMA * PAIRS)
            fitness += cost
        theta.grad = grad
        adam.step()
        schedule.step()
        if generation % 50 == 49:
            vector_to_parameters(theta.detach(), policy.parameters())
            print(
                f"generation {generation + 1}: population cost {torch.stack(fitness).mean():.4f}, "
                f"test cost {throw(policy, test).mean():.4f}"
            )
    vector_to_parameters(theta.detach(), policy.parameters())
    cost = throw(policy, test).mean()
    return 1 - cost / ((test - test.mean(0)) ** 2).sum(1).mean()


print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
