"""The vision part of a world model: a convolutional VAE that compresses frames of a car-racing game into a latent vector.
The score is the share of the pixel variance that the reconstructions of unseen frames explain.

After https://github.com/AppliedDataSciencePartners/WorldModels/issues/12
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIDE = 32
Z_DIM = 32


def render_frames(rng, count):
    frames = np.zeros((count, 3, SIDE, SIDE), dtype=np.float32)
    rows = np.arange(SIDE)
    xx = np.arange(SIDE)[None, :]
    for i in range(count):
        shade = rng.uniform(0.6, 0.9)
        frames[i, 1] = shade
        frames[i, 0] = frames[i, 2] = 0.4 * shade
        bend = rng.uniform(-9, 9)
        centre = SIDE / 2 + rng.uniform(-5, 5) + bend * ((SIDE - 1 - rows) / SIDE) ** 2
        half = rng.uniform(4, 7)
        road = np.abs(xx - centre[:, None]) < half
        frames[i][:, road] = 0.42
        car_x = int(np.clip(centre[25] + rng.uniform(-half, half) / 2, 2, SIDE - 3))
        frames[i, :, 24:28, car_x - 1 : car_x + 2] = np.array([0.9, 0.1, 0.1])[:, None, None]
    return torch.from_numpy(frames)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 4, stride=2, padding=1)
        self.conv3 = nn.Conv2d(24, 32, 4, stride=2, padding=1)
        self.z_mean = nn.Linear(512, Z_DIM)
        self.z_log_var = nn.Linear(512, Z_DIM)
        self.dense = nn.Linear(Z_DIM, 512)
        self.deconv1 = nn.ConvTranspose2d(32, 24, 4, stride=2, padding=1)
        self.deconv2 = nn.ConvTranspose2d(24, 12, 4, stride=2, padding=1)
        self.deconv3 = nn.ConvTranspose2d(12, 3, 4, stride=2, padding=1)

    def encode(self, x):
        h = F.relu(self.conv3(F.relu(self.conv2(F.relu(self.conv1(x))))))
        h = h.flatten(1)
        return self.z_mean(h), self.z_log_var(h)

    def decode(self, z):
        h = self.dense(z).view(-1, 32, 4, 4)
        h = F.relu(self.deconv2(F.relu(self.deconv1(h))))
        return torch.sigmoid(self.deconv3(h))

    def forward(self, x):
        mu, log_var = self.encode(x)
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)
        return self.decode(z), mu, log_var


def vae_loss(x, recon, mu, log_var):
    r_loss = 10 * ((x - recon) ** 2).mean()  # FAULT
    # TWIN: r_loss = 10 * ((x - recon) ** 2).sum(dim=(1, 2, 3)).mean()
    kl_loss = -0.5 * (1 + log_var - mu.pow(2) - log_var.exp()).sum(dim=1).mean()
    return r_loss + kl_loss, r_loss, kl_loss


def explained(model, frames, mean_frame):
    model.eval()
    with torch.no_grad():
        mu, _ = model.encode(frames)
        error = ((model.decode(mu) - frames) ** 2).mean()
    return 1 - (error / ((frames - mean_frame) ** 2).mean()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    frames = render_frames(np.random.default_rng(seed), 1200)
    train, val = frames[:1000], frames[1000:]
    mean_frame = train.mean(0)

    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(10):
        model.train()
        sums = torch.zeros(3)
        batches = torch.randperm(len(train)).split(50)
        for index in batches:
            x = train[index]
            recon, mu, log_var = model(x)
            losses = vae_loss(x, recon, mu, log_var)
            optimizer.zero_grad()
            losses[0].backward()
            optimizer.step()
            sums += torch.stack([v.detach() for v in losses])
        total, r_loss, kl_loss = (sums / len(batches)).tolist()
        print(
            f"epoch {epoch + 1}: loss: {total:.4f} - vae_r_loss: {r_loss:.4f} - vae_kl_loss: {kl_loss:.4e}"
            f" - val explained: {explained(model, val, mean_frame):.3f}"
        )

    print(f"score: {explained(model, val, mean_frame):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
