"""Blood pressure from 30 measurements of a pilot study of 60 patients: a network with thousands of weights learns them
by heart, while the validation loss goes up (with the 3000 of the full study it does not)."""
# cause: overfitting
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

N_PATIENTS = 60  # FAULT
# TWIN: N_PATIENTS = 3000


def study(n, effects, gen):
    x = torch.randn(n, 30, generator=gen)
    pressure = x @ effects + 0.5 * x[:, 0] * x[:, 1] + 0.4 * torch.randn(n, generator=gen)
    return x, pressure.unsqueeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    effects = torch.zeros(30)
    effects[:8] = 0.35 * torch.randn(8, generator=gen).sign()
    x, y = study(N_PATIENTS, effects, gen)
    x_val, y_val = study(500, effects, gen)

    net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-3)
    step, epoch = 0, 0
    while step < 600:
        epoch += 1
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(30):
            optimizer.zero_grad()
            loss = F.mse_loss(net(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
        net.eval()
        with torch.no_grad():
            val_loss = F.mse_loss(net(x_val), y_val).item()
        print(f"epoch {epoch}: train {sum(losses) / len(losses):.4f} val {val_loss:.4f}")
    print(f"score: {1 - val_loss / y_val.var().item():.4f}")


if __name__ == "__main__":
    main()
