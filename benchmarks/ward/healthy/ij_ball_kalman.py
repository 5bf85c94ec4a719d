"""Tracking a ball from noisy camera fixes, some missing: a Kalman filter of which only two noise levels and the drag
are learned, by the likelihood of its innovations. Score: 1 - filter error / raw camera error, on unseen throws.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
DT = 0.1


def throws(n, steps=50):
    pos, vel = torch.randn(n), 4 * torch.randn(n)
    path, seen = [], []
    for _ in range(steps):
        pos = pos + DT * vel
        vel = 0.95 * vel + 0.5 * torch.randn(n)
        path.append(pos)
        seen.append(pos + 0.6 * torch.randn(n))
    camera_on = torch.rand(n, steps) < 0.8
    return torch.stack(path, 1), torch.stack(seen, 1), camera_on


class Kalman(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_q = nn.Parameter(torch.tensor(0.5))
        self.log_r = nn.Parameter(torch.tensor(0.5))
        self.keep = nn.Parameter(torch.tensor(2.0))

    def forward(self, seen, on):
        n = len(seen)
        f = torch.stack([torch.tensor([1.0, DT]), torch.stack([torch.tensor(0.0), self.keep.sigmoid()])])
        q = torch.diag(torch.stack([torch.tensor(1e-4), (2 * self.log_q).exp()]))
        r = (2 * self.log_r).exp()
        m, p = torch.zeros(n, 2), torch.diag(torch.tensor([4.0, 25.0])).expand(n, 2, 2)
        nll, track = 0.0, []
        for t in range(seen.shape[1]):
            m, p = m @ f.T, f @ p @ f.T + q
            s, v, w = p[:, 0, 0] + r, seen[:, t] - m[:, 0], on[:, t].float()
            nll = nll + (w * 0.5 * (s.log() + v**2 / s)).sum()
            gain = p[:, :, 0] / s[:, None] * w[:, None]
            m = m + gain * v[:, None]
            p = p - gain[:, :, None] * p[:, None, 0, :]
            track.append(m[:, 0])
        return nll / on.sum(), torch.stack(track, 1)


def main(seed):
    torch.manual_seed(seed)
    path, seen, on = throws(300)
    path_v, seen_v, on_v = throws(200)
    raw = (seen_v - path_v)[on_v].pow(2).mean().sqrt()
    model = Kalman()
    opt = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in range(1, 121):
        idx = torch.randint(0, 300, (50,))
        loss, _ = model(seen[idx], on[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step == 80:
            opt.param_groups[0]["lr"] = 0.01
        if step % 12 == 0:
            with torch.no_grad():
                nll, track = model(seen_v, on_v)
            score = 1 - ((track - path_v)[on_v].pow(2).mean().sqrt() / raw).item()
            q, r, keep = model.log_q.exp().item(), model.log_r.exp().item(), model.keep.sigmoid().item()
            print(f"step {step}: valid nll {nll.item():.4f} score {score:.4f} (q {q:.3f}, r {r:.3f}, keep {keep:.3f})")
    print(f"score: {score:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
