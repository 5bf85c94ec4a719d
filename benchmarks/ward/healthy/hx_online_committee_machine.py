"""Statistical-physics setting: a soft committee machine (erf units, fixed second layer) learns a two-unit
teacher from a stream of Gaussian inputs, none of which is ever seen twice. Order parameters R and Q are
printed along the way."""

import math
import sys

import torch

torch.set_num_threads(1)

N, K = 60, 2
LEARNING_RATE = 3.0
STEPS, BATCH = 2400, 4


def committee(weights, x):
    return torch.erf(x @ weights.T / math.sqrt(2 * N)).sum(dim=1)


def run(seed):
    torch.manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(N, K))
    teacher = math.sqrt(N) * q.T
    student = torch.nn.Parameter(0.3 * torch.randn(K, N))
    optimizer = torch.optim.SGD([student], lr=LEARNING_RATE)
    held_out = torch.randn(4000, N)
    target = committee(teacher, held_out)

    def generalisation_error():
        with torch.no_grad():
            return 0.5 * (committee(student, held_out) - target).square().mean().item()

    for mu in range(STEPS):
        x = torch.randn(BATCH, N)
        loss = 0.5 * (committee(student, x) - committee(teacher, x)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if mu % 300 == 299:
            with torch.no_grad():
                R = student @ teacher.T / N
                Q = student @ student.T / N
            overlaps = " ".join(f"{r:+.2f}" for r in R.flatten().tolist())
            norms = " ".join(f"{v:.2f}" for v in Q.diagonal().tolist())
            alpha = (mu + 1) * BATCH / N
            print(f"alpha {alpha:6.1f}  eps_g {generalisation_error():.5f}  R [{overlaps}]  Q [{norms}]")
    return 1 - 2 * generalisation_error() / target.var().item()


if __name__ == "__main__":
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
