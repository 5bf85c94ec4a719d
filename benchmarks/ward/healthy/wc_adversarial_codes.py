"""An adversarial autoencoder of digits: a judge sees codes and draws from a normal distribution, which codes are to
resemble. Score: share of held-out variance that is rebuilt.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    x = x[torch.randperm(len(x))]
    enc = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 6))
    dec = nn.Sequential(nn.Linear(6, 96), nn.ReLU(), nn.Linear(96, 64), nn.Sigmoid())
    dis = nn.Sequential(nn.Linear(6, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    opt_r = torch.optim.Adam([*enc.parameters(), *dec.parameters()], 2e-3)
    opt_d, opt_g = torch.optim.Adam(dis.parameters(), 1e-3), torch.optim.Adam(enc.parameters(), 5e-4)
    for epoch in range(1, 16):
        for idx in torch.randperm(1500).split(64):
            rebuilt = F.mse_loss(dec(enc(x[idx])), x[idx])
            opt_r.zero_grad()
            rebuilt.backward()
            opt_r.step()
            code = enc(x[idx])
            loss_d = F.softplus(-dis(torch.randn_like(code))).mean() + F.softplus(dis(code.detach())).mean()
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
            loss_g = F.softplus(-dis(enc(x[idx]))).mean()
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
        if epoch % 3 == 0:
            with torch.no_grad():
                r2 = 1 - F.mse_loss(dec(enc(x[1500:])), x[1500:]).item() / x[1500:].var().item()
                z = enc(x[1500:])
            print(f"epoch {epoch}: rebuilt {rebuilt.item():.4f} d {loss_d.item():.3f} R2 {r2:.4f} std {z.std():.3f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
