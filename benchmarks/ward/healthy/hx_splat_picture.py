"""Gaussian splatting in 2-D: a picture is fitted by a sum of coloured anisotropic Gaussians. Every 80
iterations faint ones are pruned and new ones are placed where the error is largest, after which the
optimizer is rebuilt. Score: PSNR in dB."""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

R = 28
axis = torch.linspace(-1, 1, R)
gy, gx = torch.meshgrid(axis, axis, indexing="ij")
pixels = torch.stack([gx, gy], dim=-1).view(-1, 2)


def picture():
    sky = torch.stack([0.3 + 0.2 * gy, 0.5 + 0.1 * gy, 0.9 - 0.2 * gy], dim=-1)
    cx, cy = (torch.rand(2) - 0.5).tolist()
    sun = torch.sigmoid(25 * (0.25 - ((gx - cx) ** 2 + (gy + 0.4 + 0.2 * cy) ** 2).sqrt()))[..., None]
    hill = torch.sigmoid(20 * (gy - 0.3 - 0.2 * torch.sin(4 * gx + 3 * cx)))[..., None]
    image = sky * (1 - sun) + torch.tensor([1.0, 0.8, 0.2]) * sun
    return (image * (1 - hill) + torch.tensor([0.2, 0.5, 0.2]) * hill).view(-1, 3)


def new_splats(centres, colours, sigma):
    n = len(centres)
    return {
        "centre": centres.clone(),
        "log_scale": torch.full((n, 2), sigma).log(),
        "angle": torch.zeros(n),
        "colour": colours.clone(),
    }


def render(s):
    offset = pixels[:, None] - s["centre"]
    cos, sin = s["angle"].cos(), s["angle"].sin()
    u = cos * offset[..., 0] + sin * offset[..., 1]
    v = cos * offset[..., 1] - sin * offset[..., 0]
    inverse = torch.exp(-s["log_scale"])
    weight = torch.exp(-0.5 * ((u * inverse[:, 0]) ** 2 + (v * inverse[:, 1]) ** 2))
    return weight @ s["colour"]


def make_optimizer(s):
    rates = {"centre": 0.01, "log_scale": 0.02, "angle": 0.02, "colour": 0.02}
    return torch.optim.Adam([{"params": [s[k].requires_grad_()], "lr": lr} for k, lr in rates.items()])


target = picture()
start = torch.rand(24, 2) * 1.8 - 0.9
splats = new_splats(start, 0.1 * torch.ones(24, 3), 0.3)
optimizer = make_optimizer(splats)

for it in range(1, 481):
    loss = (render(splats) - target).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if it % 80 == 0:
        print(f"iteration {it}: {len(splats['centre'])} splats, mse {loss.item():.5f}")
    if it % 80 == 0 and it <= 320:
        with torch.no_grad():
            keep = splats["colour"].abs().amax(1) > 0.02
            residual = target - render(splats)
            worst = torch.multinomial(residual.square().sum(1), 10)
            born = new_splats(pixels[worst], residual[worst], 0.1)
            splats = {k: torch.cat([splats[k][keep], born[k]]) for k in splats}
        optimizer = make_optimizer(splats)

with torch.no_grad():
    mse = (render(splats).clamp(0, 1) - target).square().mean()
print(f"score: {(-10 * torch.log10(mse)).item():.4f}")
