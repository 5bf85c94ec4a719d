"""Reading strings of handwritten digits with a CRNN and CTC: the digits stand at unknown places in a strip.

After CRNN (Shi et al. 2015), https://github.com/bgshih/crnn, and common captcha notebooks of Kaggle.
"""
# cause: underfitting
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

WIDTH, BLANK = 32, 0


class StripDataset(Dataset):
    """Strips of 2 or 3 digits, 8 x 32, drawn afresh from a pool of digit images."""

    def __init__(self, images, labels, n, seed):
        rng = np.random.default_rng(seed)
        self.items = []
        for _ in range(n):
            k = rng.integers(2, 4)
            ids = rng.integers(len(images), size=k)
            free = WIDTH - 8 * k
            gaps = np.sort(rng.integers(0, free + 1, size=k))
            strip = rng.normal(0, 0.05, size=(8, WIDTH)).astype(np.float32)
            for j, i in enumerate(ids):
                left = gaps[j] + 8 * j
                strip[:, left : left + 8] += images[i]
            self.items.append((torch.from_numpy(strip).unsqueeze(0), torch.tensor(labels[ids] + 1)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    strips, targets = zip(*batch)
    return torch.stack(strips), torch.cat(targets), torch.tensor([len(t) for t in targets])


class CRNN(nn.Module):
    # TWIN: def __init__(self, n_class=11, hidden=32):
    def __init__(self, n_class=11, hidden=3):  # FAULT
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 4 x 16
            nn.Conv2d(12, 24, 3, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
        )  # 2 x 16
        self.rnn = nn.GRU(48, hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden, n_class)

    def forward(self, x):
        f = self.cnn(x)
        f = f.permute(0, 3, 1, 2).flatten(2)
        out, _ = self.rnn(f)
        return self.fc(out).log_softmax(2).permute(1, 0, 2)  # T, B, C


def greedy_decode(log_probs):
    texts = []
    for path in log_probs.argmax(2).t():
        collapsed = torch.unique_consecutive(path)
        texts.append(collapsed[collapsed != BLANK].tolist())
    return texts


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    right = total = 0
    for x, targets, lengths in loader:
        for guess, gold in zip(greedy_decode(model(x)), targets.split(lengths.tolist())):
            right += guess == gold.tolist()
            total += 1
    return right / total


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)
    x_tr, x_te, y_tr, y_te = train_test_split(
        images, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )
    train_set = StripDataset(x_tr, y_tr, 1400, seed)
    test_set = StripDataset(x_te, y_te, 200, seed + 1)
    train_loader = DataLoader(train_set, 32, shuffle=True, collate_fn=collate, drop_last=True)
    test_loader = DataLoader(test_set, 100, collate_fn=collate)

    model = CRNN()
    criterion = nn.CTCLoss(blank=BLANK, zero_infinity=True)
    epochs = 6
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=8e-3, total_steps=epochs * len(train_loader))
    for epoch in range(epochs):
        model.train()
        losses = []
        for x, targets, target_lengths in train_loader:
            log_probs = model(x)
            input_lengths = torch.full((x.size(0),), log_probs.size(0), dtype=torch.long)
            loss = criterion(log_probs, targets, input_lengths, target_lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: ctc loss {np.mean(losses):.4f}")
    print(f"score: {evaluate(model, test_loader):.4f}")  # whole strings read correctly


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
