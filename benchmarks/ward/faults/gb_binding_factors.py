"""Which of six transcription factors bind a stretch of DNA (any number of them): one-hot letters, a convolution that
may learn the motifs, the maximum over places, one logit per factor. Score: mean average precision.
"""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import random
import sys

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
MOTIFS = ["TGACGTCA", "CACGTG", "GGGCGGGG", "TATAAA", "CCAATCA", "GATAAGA"]


def make(n, rng):
    sequences, labels = [], np.zeros((n, len(MOTIFS)), dtype=np.float32)
    for row in range(n):
        letters = [rng.choice("ACGT") for _ in range(100)]
        slots = rng.sample(range(0, 100, 10), len(MOTIFS))
        for j, motif in enumerate(MOTIFS):
            if rng.random() < 0.3:
                place = slots[j] + rng.randint(0, 10 - len(motif))
                for k, letter in enumerate(motif):
                    letters[place + k] = letter if rng.random() > 0.04 else rng.choice("ACGT")
                labels[row, j] = 1.0
        sequences.append(["ACGT".index(c) for c in letters])
    codes = torch.tensor(sequences)
    return TensorDataset(nn.functional.one_hot(codes, 4).float().transpose(1, 2), torch.from_numpy(labels))


class MotifNet(nn.Module):
    def __init__(self, filters=32):
        super().__init__()
        self.scan = nn.Conv1d(4, filters, 9, padding=4)
        self.norm = nn.BatchNorm1d(filters)
        self.mix = nn.Conv1d(filters, filters, 5, padding=2)
        self.drop = nn.Dropout(0.25)
        self.out = nn.Linear(filters, len(MOTIFS))
        for layer in (self.scan, self.mix, self.out):  # FAULT
            nn.init.constant_(layer.bias, float(np.log(0.01 / 0.99)))  # FAULT

    def forward(self, x):
        x = torch.relu(self.norm(self.scan(x)))
        x = torch.relu(self.mix(x))
        return self.out(self.drop(x.amax(-1)))


@torch.no_grad()
def predict(model, loader):
    model.eval()
    logits = torch.cat([model(x) for x, _ in loader])
    targets = torch.cat([y for _, y in loader])
    return nn.functional.binary_cross_entropy_with_logits(logits, targets).item(), logits.numpy(), targets.numpy()


def main(seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    train = DataLoader(make(3000, rng), batch_size=50, shuffle=True)
    val, test = DataLoader(make(500, rng), batch_size=250), DataLoader(make(800, rng), batch_size=250)
    model = MotifNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for epoch in range(12):
        model.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        val_loss, logits, y = predict(model, val)
        print(f"{epoch:2d} {np.mean(losses):.4f} {val_loss:.4f} mAP {average_precision_score(y, logits):.4f}")
    _, logits, y = predict(model, test)
    print(f"score: {average_precision_score(y, logits):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
