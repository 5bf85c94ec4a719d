"""Pictures from sketches by a conditional GAN with batch norm in both nets; while the generator learns, the
discriminator's parameters are frozen by requires_grad, as pix2pix has it. Score: R2 of the picture.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def set_requires_grad(net, on):
    for each in net.parameters():
        each.requires_grad = on


def main(seed):
    torch.manual_seed(seed)
    sketch = (torch.rand(600, 1, 8, 8) < 0.3).float()
    kernel = torch.tensor([[0.05, 0.1, 0.05], [0.1, 0.4, 0.1], [0.05, 0.1, 0.05]]).view(1, 1, 3, 3)
    picture = 2 * F.conv2d(sketch, kernel, padding=1) - 0.6
    G = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1),
                      nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1))  # fmt: skip
    D = nn.Sequential(nn.Conv2d(2, 16, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(16, 16, 3, stride=2, padding=1),
                      nn.BatchNorm2d(16), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 3, padding=1))  # fmt: skip
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for epoch in range(25):
        G.train()
        for rows in torch.randperm(500).split(25):
            a, b = sketch[rows], picture[rows]
            fake = G(a)
            set_requires_grad(D, True)
            opt_d.zero_grad()
            no, yes = D(torch.cat([a, fake.detach()], 1)), D(torch.cat([a, b], 1))
            loss_d = 0.5 * (F.mse_loss(no, torch.zeros_like(no)) + F.mse_loss(yes, torch.ones_like(yes)))
            loss_d.backward()
            opt_d.step()
            set_requires_grad(D, False)
            opt_g.zero_grad()
            no = D(torch.cat([a, fake], 1))
            loss_g = F.mse_loss(no, torch.ones_like(no)) + 20 * F.l1_loss(fake, b)
            loss_g.backward()
            opt_g.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: G {loss_g.item():.4f} D {loss_d.item():.4f}")
    G.eval()
    with torch.no_grad():
        error = (G(sketch[500:]) - picture[500:]).square().mean().item()
    print(f"score: {1 - error / picture[500:].var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
