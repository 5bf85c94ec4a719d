"""A GAN for small handwritten digits; at the end the generated images are compared with real ones it has not seen.

After https://github.com/tdeboissiere/DeepLearningImplementations/issues/11
"""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

NOISE_DIM = 12
BATCH_SIZE = 32


def load_images(seed):
    images = load_digits(n_class=4).data / 8.0 - 1.0
    order = np.random.default_rng(seed).permutation(len(images))
    images = torch.tensor(images[order], dtype=torch.float32)
    return images[:520], images[520:]


def make_generator():
    return nn.Sequential(
        nn.Linear(NOISE_DIM, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 64),
        nn.Tanh(),
    )


def make_discriminator():
    return nn.Sequential(
        nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), nn.Sigmoid()
    )


def coverage(generator, real, k=5):
    """Share of the real images that have a generated one within reach of their k-th real neighbour."""
    generator.eval()
    with torch.no_grad():
        fake = generator(torch.randn(2 * len(real), NOISE_DIM))
    generator.train()
    radius = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    return (torch.cdist(real, fake).min(1).values < radius).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train, held_out = load_images(seed)

    generator, discriminator = make_generator(), make_discriminator()
    bce = nn.BCELoss()
    learning_rate = 5e-2  # FAULT
    # TWIN: learning_rate = 2e-3
    opt_gan = torch.optim.Adam(generator.parameters(), lr=learning_rate, betas=(0.5, 0.999))
    opt_discriminator = torch.optim.Adam(discriminator.parameters(), lr=learning_rate, betas=(0.5, 0.999))

    for epoch in range(1, 45):
        order = torch.randperm(len(train))
        d_losses, g_losses = [], []
        for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            real = train[order[start : start + BATCH_SIZE]]
            ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

            fake = generator(torch.randn(len(real), NOISE_DIM))
            d_loss = bce(discriminator(real), ones) + bce(discriminator(fake.detach()), zeros)
            opt_discriminator.zero_grad()
            d_loss.backward()
            opt_discriminator.step()

            g_loss = bce(discriminator(fake), ones)
            opt_gan.zero_grad()
            g_loss.backward()
            opt_gan.step()
            d_losses.append(d_loss.item())
            g_losses.append(g_loss.item())
        if epoch % 5 == 0 or epoch == 1:
            print(
                f"Epoch {epoch}: D logloss {np.mean(d_losses):.4f}  G logloss {np.mean(g_losses):.4f}  "
                f"coverage {coverage(generator, held_out):.3f}"
            )
    print(f"score: {coverage(generator, held_out):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
