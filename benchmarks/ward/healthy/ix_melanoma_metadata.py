"""Rare malignant lesions: a CNN on small skin images joined with patient metadata (age, sex, site), weighted BCE, early stopping
on validation AUC. Patients appear several times, so the split is by patient.

After the image-plus-metadata models of Kaggle's "SIIM-ISIC Melanoma Classification",
https://github.com/haqishen/SIIM-ISIC-Melanoma-Classification-1st-Place-Solution
"""

import copy
import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SITES = 4


def simulate(patients, rng, size=16):
    rows = []
    for p in range(patients):
        age, sex = rng.uniform(20, 85), rng.integers(2)
        skin = np.array([0.85, 0.65, 0.55]) * rng.uniform(0.85, 1.1)
        for _ in range(rng.integers(1, 5)):
            site = rng.integers(SITES)
            risk = -3.6 + 0.05 * (age - 50) + 0.4 * sex + 0.8 * (site == 0)
            malignant = rng.random() < 1 / (1 + np.exp(-risk))
            yy, xx = (np.mgrid[:size, :size] - (size - 1) / 2) / (size / 2) + rng.normal(0, 0.12, (2, 1, 1))
            phi = np.arctan2(yy, xx)
            wobble = rng.uniform(0.1, 0.3) if malignant else rng.uniform(0.0, 0.16)
            radius = rng.uniform(0.4, 0.65) * (1 + wobble * np.sin(rng.integers(2, 5) * phi + rng.uniform(0, 6.28)))
            inside = np.hypot(xx, yy) < radius
            shade = np.array([0.45, 0.3, 0.2]) * rng.uniform(0.7, 1.1)
            image = np.where(inside[..., None], shade, skin)
            if rng.random() < (0.75 if malignant else 0.15):  # a second, bluish colour
                cx, cy = rng.uniform(-0.3, 0.3, 2)
                image = np.where((inside & (np.hypot(xx - cx, yy - cy) < 0.28))[..., None], [0.2, 0.22, 0.35], image)
            image = image + rng.normal(0, 0.05, image.shape)
            rows.append((image.transpose(2, 0, 1), np.r_[age, sex, np.eye(SITES)[site]], malignant, p))
    images, meta, target, patient = (np.array(c) for c in zip(*rows))
    return images.astype(np.float32), meta.astype(np.float32), target.astype(np.float32), patient


class MelanomaNet(nn.Module):
    def __init__(self, n_meta):
        super().__init__()

        def block(i, o, stride):
            return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

        self.cnn = nn.Sequential(
            block(3, 12, 1), block(12, 24, 2), block(24, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.meta = nn.Sequential(nn.Linear(n_meta, 16), nn.BatchNorm1d(16), nn.SiLU(), nn.Dropout(0.2))
        self.classifier = nn.Sequential(nn.Dropout(0.3), nn.Linear(32 + 16, 1))

    def forward(self, image, meta):
        return self.classifier(torch.cat([self.cnn(image), self.meta(meta)], 1)).squeeze(1)


def augment(x):
    if torch.rand(()) < 0.5:
        x = x.flip(2)
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    return torch.rot90(x, int(torch.randint(4, ())), (2, 3))


@torch.no_grad()
def predict(model, loader):
    model.eval()
    return torch.cat([model(x, m).sigmoid() for x, m, _ in loader]).numpy()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, meta, target, patient = simulate(850, np.random.default_rng(seed))
    rest, test = next(GroupShuffleSplit(1, test_size=0.3, random_state=seed).split(images, groups=patient))
    a, b = next(GroupShuffleSplit(1, test_size=0.25, random_state=seed).split(rest, groups=patient[rest]))
    train, valid = rest[a], rest[b]
    print(f"{len(train)} / {len(valid)} / {len(test)} images, malignant in training {target[train].mean():.3f}")

    mean, std = images[train].mean((0, 2, 3), keepdims=True), images[train].std((0, 2, 3), keepdims=True)
    m_mean, m_std = meta[train].mean(0), meta[train].std(0)

    def loader(idx, shuffle=False):
        data = TensorDataset(
            torch.tensor((images[idx] - mean) / std),
            torch.tensor((meta[idx] - m_mean) / m_std),
            torch.tensor(target[idx]),
        )
        return DataLoader(data, batch_size=64, shuffle=shuffle, drop_last=shuffle)

    train_loader, valid_loader, test_loader = loader(train, True), loader(valid), loader(test)
    model = MelanomaNet(meta.shape[1])
    positive = target[train].sum()
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor((len(train) - positive) / positive).sqrt())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    best_auc, best_state, patience, wait = 0.0, None, 5, 0
    for epoch in range(16):
        model.train()
        total = 0.0
        for x, m, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(augment(x), m), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        auc = roc_auc_score(target[valid], predict(model, valid_loader))
        print(f"epoch {epoch + 1:02d} | loss {total / len(train_loader):.4f} | val auc {auc:.4f}")
        if auc > best_auc:
            best_auc, best_state, wait = auc, copy.deepcopy(model.state_dict()), 0
        else:
            wait += 1
            if wait >= patience:
                print("early stopping")
                break
    model.load_state_dict(best_state)
    print(f"score: {roc_auc_score(target[test], predict(model, test_loader)):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
