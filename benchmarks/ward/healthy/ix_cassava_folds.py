"""Leaf disease classification, Kaggle style: stratified folds, a config class, augmentation, label smoothing, cosine annealing
with warm restarts per step, out-of-fold score, and the mean of the folds' models on the test set.

After the PyTorch starter notebooks of Kaggle's "Cassava Leaf Disease Classification",
https://www.kaggle.com/c/cassava-leaf-disease-classification
"""

import random
import sys

import numpy as np
import torch
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.utils.data import DataLoader, Dataset


class CFG:
    size = 16
    n_fold, epochs = 3, 6
    batch_size = 32
    lr, min_lr = 4e-3, 1e-5
    weight_decay, smoothing = 1e-4, 0.05
    target_size = 5
    shares = [0.15, 0.2, 0.2, 0.3, 0.15]


def seed_everything(seed):
    for seeding in (random.seed, np.random.seed, torch.manual_seed):
        seeding(seed)


def make_leaves(n, rng):
    """Green leaves; 0 brown spots, 1 a yellow rim, 2 pale mosaic, 3 streaks, 4 healthy."""
    s = CFG.size
    yy, xx = (np.mgrid[:s, :s] - (s - 1) / 2) / (s / 2)
    labels = rng.choice(CFG.target_size, n, p=CFG.shares)
    images = []
    for k in labels:
        phi, a, b = rng.uniform(0, np.pi), rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.7)
        u, v = xx * np.cos(phi) + yy * np.sin(phi), -xx * np.sin(phi) + yy * np.cos(phi)
        r = np.hypot(u / a, v / b)
        img = np.ones((s, s, 3)) * rng.uniform(0.2, 0.5, 3)
        img[r < 1] = np.array([0.2, 0.6, 0.2]) * rng.uniform(0.8, 1.2)
        if k == 0:
            for _ in range(rng.integers(3, 6)):
                cu, cv = rng.uniform(-0.6, 0.6) * a, rng.uniform(-0.5, 0.5) * b
                img[((u - cu) ** 2 + (v - cv) ** 2 < 0.025) & (r < 1)] = [0.4, 0.25, 0.1]
        elif k == 1:
            img[(r < 1) & (r > rng.uniform(0.65, 0.8))] = [0.75, 0.7, 0.2]
        elif k == 2:
            img[(rng.random((s, s)) < 0.35) & (r < 1)] = [0.6, 0.75, 0.45]
        elif k == 3:
            img[(np.sin(14 * u + rng.uniform(0, 6)) > 0.5) & (r < 1)] = [0.45, 0.4, 0.15]
        images.append(img + rng.normal(0, 0.08, img.shape))
    return np.array(images, dtype=np.float32), labels


class TrainDataset(Dataset):
    def __init__(self, images, labels, train):
        self.images, self.labels, self.train = images, labels, train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.train:
            image = np.rot90(image, np.random.randint(4))
            if np.random.rand() < 0.5:
                image = image[::-1]
            image = image * np.random.uniform(0.9, 1.1)
        image = (image - 0.4) / 0.2
        return torch.tensor(np.ascontiguousarray(image.transpose(2, 0, 1)), dtype=torch.float32), int(self.labels[i])


def build_model():
    def block(i, o):
        return [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.SiLU()]

    return nn.Sequential(
        *block(3, 12),
        nn.MaxPool2d(2),
        *block(12, 24),
        nn.MaxPool2d(2),
        *block(24, 48),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(48, CFG.target_size),
    )


def inference(model, loader):
    model.eval()
    with torch.no_grad():  # test-time augmentation: the image and its mirror
        return torch.cat([(model(x).softmax(1) + model(x.flip(3)).softmax(1)) / 2 for x, _ in loader]).numpy()


def train_fold(fold, train_set, valid_set):
    loader, valid_loader = (
        DataLoader(train_set, CFG.batch_size, shuffle=True, drop_last=True),
        DataLoader(valid_set, 256),
    )
    model = build_model()
    criterion = nn.CrossEntropyLoss(label_smoothing=CFG.smoothing)
    optimizer = torch.optim.AdamW(model.parameters(), lr=CFG.lr, weight_decay=CFG.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, T_0=2 * len(loader), T_mult=2, eta_min=CFG.min_lr
    )
    for epoch in range(CFG.epochs):
        model.train()
        losses = []
        for images, labels in loader:
            loss = criterion(model(images), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            losses.append(loss.item())
        preds = inference(model, valid_loader)
        accuracy = accuracy_score(valid_set.labels, preds.argmax(1))
        print(f"fold {fold} epoch {epoch + 1} train loss {np.mean(losses):.4f} accuracy {accuracy:.4f}")
    return model, preds


def main(seed):
    seed_everything(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    (images, labels), (test_images, test_labels) = make_leaves(800, rng), make_leaves(300, rng)
    test_loader = DataLoader(TrainDataset(test_images, test_labels, train=False), batch_size=256)
    oof, test_preds = np.zeros((len(labels), CFG.target_size)), 0
    folds = StratifiedKFold(CFG.n_fold, shuffle=True, random_state=seed)
    for fold, (trn, val) in enumerate(folds.split(images, labels)):
        model, oof[val] = train_fold(
            fold, TrainDataset(images[trn], labels[trn], True), TrainDataset(images[val], labels[val], False)
        )
        test_preds = test_preds + inference(model, test_loader) / CFG.n_fold
    print(f"CV: {accuracy_score(labels, oof.argmax(1)):.4f}")
    print(f"score: {accuracy_score(test_labels, test_preds.argmax(1)):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
