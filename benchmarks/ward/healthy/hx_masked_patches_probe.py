"""Masked autoencoding of digit patches: the encoder sees only 8 of 16 patches and a light decoder paints
the hidden ones. Afterwards the encoder is frozen and a linear probe is fitted on its output tokens with 600
labels."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def patchify(images):
    return images.view(-1, 4, 2, 4, 2).permute(0, 1, 3, 2, 4).reshape(-1, 16, 4)


def block(dim):
    return nn.TransformerEncoderLayer(dim, 4, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)


class MaskedAutoencoder(nn.Module):
    def __init__(self, dim=32, keep=8):
        super().__init__()
        self.keep = keep
        self.embed = nn.Linear(4, dim)
        self.pos = nn.Parameter(torch.randn(16, dim) * 0.1)
        self.encoder = nn.Sequential(block(dim), block(dim), nn.LayerNorm(dim))
        self.mask_token = nn.Parameter(torch.zeros(dim))
        self.decoder_pos = nn.Parameter(torch.randn(16, dim) * 0.1)
        self.decoder = block(dim)
        self.to_pixels = nn.Linear(dim, 4)

    def features(self, patches):
        return self.encoder(self.embed(patches) + self.pos).flatten(1)

    def forward(self, patches):
        n = len(patches)
        order = torch.rand(n, 16).argsort(1)
        rows, visible, hidden = torch.arange(n)[:, None], order[:, : self.keep], order[:, self.keep :]
        seen = self.encoder((self.embed(patches) + self.pos)[rows, visible])
        mask_tokens = self.mask_token.expand(n, 16 - self.keep, -1)
        tokens = torch.cat([seen + self.decoder_pos[visible], mask_tokens + self.decoder_pos[hidden]], 1)
        painted = self.to_pixels(self.decoder(tokens)[:, self.keep :])
        return F.mse_loss(painted, patches[rows, hidden])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    torch.manual_seed(parser.parse_args().seed)
    digits = load_digits()
    order = torch.randperm(len(digits.target))
    x = patchify(torch.tensor(digits.images, dtype=torch.float32)[order] / 8 - 1)
    y = torch.tensor(digits.target)[order]
    x_train, x_test, y_test = x[:1400], x[1400:], y[1400:]

    model = MaskedAutoencoder()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05, betas=(0.9, 0.95))
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=3e-3, total_steps=12 * 22)
    for epoch in range(12):
        total = 0.0
        for idx in torch.randperm(1400).split(64):
            loss = model(x_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        if epoch % 3 == 2:
            print(
                f"pretrain epoch {epoch + 1}: masked mse {total / 1400:.4f} (pixel variance {x_train.var().item():.4f})"
            )

    model.eval().requires_grad_(False)
    z_train, z_test = model.features(x_train[:600]), model.features(x_test)
    mean, std = z_train.mean(0), z_train.std(0) + 1e-2
    z_train, z_test = (z_train - mean) / std, (z_test - mean) / std
    probe = nn.Linear(z_train.shape[1], 10)
    probe_opt = torch.optim.Adam(probe.parameters(), lr=0.003, weight_decay=1e-3)
    for _ in range(150):
        probe_opt.zero_grad()
        F.cross_entropy(probe(z_train), y[:600]).backward()
        probe_opt.step()
    print(f"score: {(probe(z_test).argmax(1) == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
