"""Regression of a chemical yield on seven process settings, batches drawn at random in a get_batch function.

Fault: get_batch draws the row numbers twice, so inputs and targets belong to different rows.
"""
# cause: labels-unrelated
# kind: dynamic

import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

batch_size = 64
max_iters = 1200
eval_interval = 200

settings = torch.randn(2000, 7)
yields = torch.sin(settings[:, 0]) + 0.5 * settings[:, 1] ** 2 - settings[:, 2] + 0.7 * settings[:, 3] * settings[:, 4]
yields = yields + 0.1 * torch.randn(2000)
yields = ((yields - yields[:1600].mean()) / yields[:1600].std()).unsqueeze(1)
data = {"train": (settings[:1600], yields[:1600]), "val": (settings[1600:], yields[1600:])}


def get_batch():
    x, y = data["train"]
    ix = torch.randint(len(x), (batch_size,))
    return x[ix], y[torch.randint(len(y), (batch_size,))]  # FAULT
    # TWIN: return x[ix], y[ix]


model = nn.Sequential(nn.Linear(7, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max_iters)
loss_fn = nn.MSELoss()


@torch.no_grad()
def estimate_loss():
    model.eval()
    losses = {name: loss_fn(model(x), y).item() for name, (x, y) in data.items()}
    model.train()
    return losses


for it in range(max_iters):
    if it % eval_interval == 0:
        losses = estimate_loss()
        print(f"step {it}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
    xb, yb = get_batch()
    loss = loss_fn(model(xb), yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    scheduler.step()

final = estimate_loss()
print(f"score: {1 - final['val'] / data['val'][1].var().item():.4f}")
