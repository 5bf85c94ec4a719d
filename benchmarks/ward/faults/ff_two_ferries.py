"""When the next ferry lands: two lines share the pier, so the answer has two peaks; a mixture density network.

Scored by the share of landings that fall into the likeliest quarter of the hour (12 slots of 5 minutes, the 3 best).
"""
# cause: unstable-loss
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn, optim

CONFIG = {"peaks": 2, "hidden": 64, "batch": 100, "epochs": 30, "rate": 3e-3}


def landings(count, generator):
    """Tide and wind (both in -1..1) and the minute of landing, in units of ten around half past; few are held up."""
    tide = torch.rand(count, generator=generator) * 2 - 1
    wind = torch.rand(count, generator=generator) * 2 - 1
    first = -1.6 + 0.9 * torch.sin(2.5 * tide) + 0.3 * wind
    second = 1.3 + 0.7 * torch.cos(2.0 * tide) - 0.4 * wind
    is_first = torch.rand(count, generator=generator) < torch.sigmoid(2 * wind)
    minute = torch.where(is_first, first, second) + 0.05 * torch.randn(count, generator=generator)
    held_up = torch.rand(count, generator=generator) < 0.003
    minute = minute + held_up * (1.5 + torch.rand(count, generator=generator))
    return torch.stack([tide, wind], dim=1), minute


class MixtureNet(nn.Module):
    def __init__(self, peaks, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.shares = nn.Linear(hidden, peaks)
        self.centres = nn.Linear(hidden, peaks)
        self.widths = nn.Linear(hidden, peaks)
        with torch.no_grad():
            self.centres.bias.copy_(torch.linspace(-2, 2, peaks))

    def forward(self, x):
        h = self.body(x)
        return F.log_softmax(self.shares(h), dim=1), self.centres(h), self.widths(h).exp()


def negative_log_likelihood(log_shares, centres, widths, minute):
    z = (minute.unsqueeze(1) - centres) / widths
    density = log_shares.exp() * torch.exp(-0.5 * z.pow(2)) / (widths * math.sqrt(2 * math.pi))  # FAULT
    return -density.sum(dim=1).log().mean()  # FAULT
    # TWIN: log_density = log_shares - 0.5 * z.pow(2) - widths.log() - 0.5 * math.log(2 * math.pi)
    # TWIN: return -torch.logsumexp(log_density, dim=1).mean()


@torch.no_grad()
def in_best_slots(model, x, minute):
    """Share of landings in the three of twelve slots to which the mixture gives most."""
    model.eval()
    log_shares, centres, widths = model(x)
    edges = torch.linspace(-3, 3, 13)
    below = torch.distributions.Normal(centres.unsqueeze(2), widths.unsqueeze(2), validate_args=False).cdf(edges)
    mass = (log_shares.exp().unsqueeze(2) * below).sum(1).diff(dim=1)
    slot = torch.bucketize(minute.clamp(-2.99, 2.99), edges) - 1
    rank = (mass >= mass.gather(1, slot.unsqueeze(1))).sum(1)
    return ((rank >= 1) & (rank <= 3)).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    x, minute = landings(3000, generator)
    test = landings(1000, generator)
    model = MixtureNet(CONFIG["peaks"], CONFIG["hidden"])
    optimizer = optim.Adam(model.parameters(), lr=CONFIG["rate"])
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, CONFIG["epochs"])
    history = []
    for epoch in range(CONFIG["epochs"]):
        model.train()
        order = torch.randperm(len(x))
        running = 0.0
        for rows in order.split(CONFIG["batch"]):
            loss = negative_log_likelihood(*model(x[rows]), minute[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            running += loss.item() * len(rows) / len(x)
        scheduler.step()
        history.append(running)
        if epoch % 3 == 0:
            print(
                f"epoch {epoch}: negative log-likelihood {running:.4f}, in best slots {in_best_slots(model, *test):.3f}"
            )
    print(f"best epoch {min(history):.4f}, last {history[-1]:.4f}")
    print(f"score: {in_best_slots(model, *test):.4f}")


if __name__ == "__main__":
    main()
