"""Generates handwritten digits with a DCGAN; the score is minus the Frechet distance to held-out digits in PCA space.

After the DCGAN tutorial of pytorch.org (https://pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html).
"""
# cause: discriminator-dominates
# accept: oscillating-players
# kind: dynamic

import random
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

nz, ngf, ndf = 24, 16, 24


def weights_init(m):
    name = m.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(m.weight, 0.0, 0.1)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


def make_generator():
    return nn.Sequential(
        nn.ConvTranspose2d(nz, ngf * 2, 2, 1, 0, bias=False),
        nn.BatchNorm2d(ngf * 2),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def make_discriminator():
    return nn.Sequential(
        nn.Conv2d(1, ndf, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ndf * 2),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ndf * 2, 1, 2, 1, 0, bias=False),
        nn.Flatten(0),
    )


def sqrtm(a):
    w, v = np.linalg.eigh(a)
    return (v * np.sqrt(w.clip(0))) @ v.T


def frechet(a, b):
    mu_a, mu_b, ca, cb = a.mean(0), b.mean(0), np.cov(a.T), np.cov(b.T)
    root = sqrtm(ca)
    return ((mu_a - mu_b) ** 2).sum() + np.trace(ca + cb - 2 * sqrtm(root @ cb @ root))


def main(seed):
    torch.set_num_threads(1)
    random.seed(seed)
    torch.manual_seed(seed)
    images = load_digits().images / 8.0 - 1.0
    real, held = train_test_split(images, test_size=0.3, random_state=seed)
    pca = PCA(20, random_state=seed).fit(real.reshape(len(real), -1))
    features_held = pca.transform(held.reshape(len(held), -1))
    real = torch.tensor(real, dtype=torch.float32).unsqueeze(1)

    netG, netD = make_generator().apply(weights_init), make_discriminator().apply(weights_init)
    fixed_noise = torch.randn(600, nz, 1, 1)

    def distance():
        netG.eval()
        with torch.no_grad():
            fake = netG(fixed_noise).flatten(1).numpy()
        netG.train()
        return frechet(pca.transform(fake), features_held)

    criterion = nn.BCEWithLogitsLoss()
    real_label, fake_label = 1.0, 0.0
    optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3)  # FAULT
    optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3)  # FAULT
    # TWIN: optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
    # TWIN: optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))
    num_epochs, batch = 17, 64
    print(f"[start] distance of the generated to the held-out digits: {distance():.3f}")
    for epoch in range(num_epochs):
        for i, idx in enumerate(torch.randperm(len(real)).split(batch)):
            # (1) Update D network: maximise log(D(x)) + log(1 - D(G(z)))
            netD.zero_grad()
            b = len(idx)
            output = netD(real[idx])
            errD_real = criterion(output, torch.full((b,), real_label))
            fake = netG(torch.randn(b, nz, 1, 1))
            output_fake = netD(fake.detach())
            errD_fake = criterion(output_fake, torch.full((b,), fake_label))
            errD = errD_real + errD_fake
            errD.backward()
            optimizerD.step()
            # (2) Update G network: maximise log(D(G(z)))
            netG.zero_grad()
            output = netD(fake)
            errG = criterion(output, torch.full((b,), real_label))
            errG.backward()
            optimizerG.step()
        if epoch % 4 == 0 or epoch == num_epochs - 1:
            print(
                f"[{epoch}/{num_epochs}] Loss_D: {errD.item():.4f} Loss_G: {errG.item():.4f} "
                f"D(G(z)): {torch.sigmoid(output).mean().item():.3f} distance: {distance():.3f}"
            )
    print(f"score: {-distance():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
