"""Differentiable rendering: fit a 48x48 colour picture with 60 anisotropic 2-D Gaussians (position, log-scales,
angle, colour, opacity), blended front to back. Each group of parameters has its own learning rate, and the image
itself is the only data. The score is minus the mean squared error."""

import math
import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

SIZE, COUNT = 48, 60
axis = (torch.arange(SIZE) + 0.5) / SIZE
gy, gx = torch.meshgrid(axis, axis, indexing="ij")


def paint():
    """Sunset: sky gradient, sun, two hills."""
    sky = torch.stack([0.3 + 0.6 * gy, 0.35 + 0.2 * gy, 0.7 - 0.4 * gy])
    cx, cy = 0.3 + 0.4 * torch.rand(2)
    sun = torch.sigmoid((0.13 - ((gx - cx) ** 2 + (gy - 0.3 - 0.3 * cy) ** 2).sqrt()) * 60)
    sky = sky * (1 - sun) + sun * torch.tensor([1.0, 0.85, 0.3]).view(3, 1, 1)
    for height, shade in ((0.62, 0.35), (0.78, 0.12)):
        ridge = height + 0.08 * torch.sin(7 * gx + 6.28 * torch.rand(1))
        hill = torch.sigmoid((gy - ridge) * 60)
        sky = sky * (1 - hill) + hill * torch.tensor([shade * 0.5, shade, shade * 0.7]).view(3, 1, 1)
    return sky


target = paint()
splats = {
    "position": torch.rand(COUNT, 2),
    "log_scale": torch.full((COUNT, 2), math.log(0.09)),
    "angle": torch.rand(COUNT) * math.pi,
    "colour": 0.1 * torch.randn(COUNT, 3),
    "opacity": torch.zeros(COUNT),
}
for value in splats.values():
    value.requires_grad_()
rates = {"position": 0.004, "log_scale": 0.02, "angle": 0.02, "colour": 0.05, "opacity": 0.05}
optimizer = torch.optim.Adam([{"params": [splats[k]], "lr": rates[k]} for k in splats])
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.995)


def render():
    dx = gx - splats["position"][:, 0].view(-1, 1, 1)
    dy = gy - splats["position"][:, 1].view(-1, 1, 1)
    cos, sin = splats["angle"].cos().view(-1, 1, 1), splats["angle"].sin().view(-1, 1, 1)
    sx, sy = splats["log_scale"].exp().unbind(1)
    u = (cos * dx + sin * dy) / sx.view(-1, 1, 1)
    v = (cos * dy - sin * dx) / sy.view(-1, 1, 1)
    alpha = 0.99 * torch.sigmoid(splats["opacity"]).view(-1, 1, 1) * torch.exp(-0.5 * (u * u + v * v))
    through = torch.cumprod(1 - alpha, dim=0)
    before = torch.cat([torch.ones(1, SIZE, SIZE), through[:-1]])
    image = torch.einsum("nhw,nc->chw", alpha * before, torch.sigmoid(splats["colour"]))
    return image + 0.5 * through[-1]  # grey background


for step in range(401):
    image = render()
    mse = (image - target).pow(2).mean()
    loss = 0.5 * (image - target).abs().mean() + mse
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 80 == 0:
        print(f"step {step:3d}  loss {loss.item():.4f}  psnr {-10 * math.log10(mse.item()):.2f} dB")

with torch.no_grad():
    final = (render() - target).pow(2).mean().item()
print(f"variance of the picture: {(target - target.mean((1, 2), keepdim=True)).pow(2).mean().item():.4f}")
print(f"score: {-final:.6f}")
