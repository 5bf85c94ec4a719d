"""Survival analysis: the negative Cox partial log-likelihood written by hand, on censored synthetic lifetimes."""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)


def cox_loss(log_hazard, time, event):
    """Mean negative partial log-likelihood; the risk set of a death is everyone still alive then."""
    order = torch.argsort(time, descending=True)
    log_hazard, event = log_hazard[order], event[order]
    log_risk = torch.logcumsumexp(log_hazard, dim=0)
    return -((log_hazard - log_risk) * event).sum() / event.sum()


def concordance(log_hazard, time, event):
    comparable = (time[:, None] < time[None, :]) & event[:, None].bool()
    agree = log_hazard[:, None] > log_hazard[None, :]
    return (agree & comparable).sum().item() / comparable.sum().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
n = 1200
x = torch.randn(n, 6)
risk = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.8 * (x[:, 2] ** 2 - 1)
lifetime = -torch.log(torch.rand(n)) * torch.exp(-risk)
censoring = -torch.log(torch.rand(n)) * 2.0
time = torch.minimum(lifetime, censoring)
event = (lifetime <= censoring).float()
train, test = slice(0, 900), slice(900, n)
print(f"{int(event.sum())} of {n} deaths observed")

net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1, bias=False))
for p in net.parameters():  # FAULT
    nn.init.normal_(p)  # FAULT
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-2)

# full batch: the partial likelihood needs the whole risk set
for epoch in range(1, 121):
    net.train()
    loss = cox_loss(net(x[train]).squeeze(1), time[train], event[train])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 15 == 0:
        net.eval()
        with torch.no_grad():
            out = net(x[test]).squeeze(1)
        val_loss = cox_loss(out, time[test], event[test]).item()
        c_index = concordance(out, time[test], event[test])
        print(f"epoch {epoch} loss {loss.item():.4f} val {val_loss:.4f} c-index {c_index:.4f}")

print(f"score: {c_index:.4f}")
