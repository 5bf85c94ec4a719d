"""Tune the noise covariances and the drag of a Kalman filter for a tracked cart by maximising the likelihood of
the innovations: the filter is written in differentiable torch operations and run over whole tracks. Five
scalars are learned. Scored by the reduction of the position error on unseen tracks against the hand-set filter."""

import sys
from math import log, pi

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(seed)
DT = 0.1


def drive(tracks, length):
    """Cart with drag and random pushes; a position sensor and a much better velocity encoder."""
    position, velocity = torch.zeros(tracks), torch.randn(tracks, generator=gen)
    states, readings = [], []
    for _ in range(length):
        velocity = velocity * (1 - 0.8 * DT) + 0.25 * torch.randn(tracks, generator=gen)
        position = position + velocity * DT + 0.01 * torch.randn(tracks, generator=gen)
        state = torch.stack([position, velocity], dim=1)
        states.append(state)
        readings.append(state + torch.tensor([0.6, 0.1]) * torch.randn(tracks, 2, generator=gen))
    return torch.stack(states, dim=1), torch.stack(readings, dim=1)


class KalmanFilter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.log_process = torch.nn.Parameter(torch.tensor([-2.0, -3.0]))  # log standard deviations
        self.log_sensor = torch.nn.Parameter(torch.tensor([-1.5, -0.5]))
        self.drag = torch.nn.Parameter(torch.tensor(0.1))

    def forward(self, readings):
        n, length, _ = readings.shape
        keep = 1 - self.drag * DT
        one, zero = torch.ones(()), torch.zeros(())
        transition = torch.stack([torch.stack([one, keep * DT]), torch.stack([zero, keep])])
        q, r = torch.diag((2 * self.log_process).exp()), torch.diag((2 * self.log_sensor).exp())
        mean, cov = torch.zeros(n, 2), torch.eye(2)
        nll, means = 0.0, []
        for t in range(length):
            mean, cov = mean @ transition.T, transition @ cov @ transition.T + q
            innovation, s = readings[:, t] - mean, cov + r
            mahalanobis = (innovation * torch.linalg.solve(s, innovation.T).T).sum(1).mean()
            nll = nll + 0.5 * (mahalanobis + torch.logdet(s) + 2 * log(2 * pi))
            gain = torch.linalg.solve(s, cov).T
            mean, cov = mean + innovation @ gain.T, (torch.eye(2) - gain) @ cov
            means.append(mean)
        return torch.stack(means, dim=1), nll / length


def position_rmse(kalman, readings, states):
    with torch.no_grad():
        means, nll = kalman(readings)
    return (means - states)[:, 10:, 0].pow(2).mean().sqrt().item(), nll.item()


_, train_readings = drive(30, 60)
test_states, test_readings = drive(60, 60)
kalman = KalmanFilter()
before, nll = position_rmse(kalman, test_readings, test_states)
print(f"hand-set filter: rmse {before:.4f}, nll {nll:.3f}")

optimizer = torch.optim.Adam(kalman.parameters(), lr=0.06)
for epoch in range(100):
    optimizer.zero_grad()
    _, loss = kalman(train_readings)
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch}: innovations nll {loss.item():.4f}, drag {kalman.drag.item():.3f}")

after, nll = position_rmse(kalman, test_readings, test_states)
print("sensor std", [round(v, 3) for v in kalman.log_sensor.exp().tolist()])
print(f"learned filter: rmse {after:.4f}, nll {nll:.3f}")
print(f"score: {1 - after / before:.4f}")
