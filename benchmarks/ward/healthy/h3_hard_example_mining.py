"""Online hard example mining: each step looks at 96 samples and learns from the half with the largest losses (after a
start with all of them). A rare and a common class, depthwise separable convolutions on digits: is it an 8 or not?
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score

torch.set_num_threads(1)


def separable(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in), nn.Conv2d(c_in, c_out, 1), nn.BatchNorm2d(c_out), nn.ReLU()
    )


class EightDetector(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.body = nn.Sequential(separable(16, 24), nn.MaxPool2d(2), separable(24, 32))
        self.fc = nn.Linear(32 * 16, 1)

    def forward(self, x):
        return self.fc(self.body(F.relu(self.stem(x))).flatten(1)).squeeze(1)


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(digits.target == 8).float()
    order = torch.randperm(len(x))
    train, test = order[:1250], order[1250:]
    model = EightDetector()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        kept = []
        for idx in train[torch.randperm(len(train))].split(96):
            losses = F.binary_cross_entropy_with_logits(model(x[idx]), y[idx], reduction="none")
            if epoch >= 2:
                losses = losses.topk(len(idx) // 2).values
            loss = losses.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            kept.append(loss.item())
        model.eval()
        with torch.no_grad():
            scores = torch.sigmoid(model(x[test]))
        ap = average_precision_score(y[test].numpy(), scores.numpy())
        print(f"epoch {epoch + 1:2d}: loss on what was kept {sum(kept) / len(kept):.4f}, average precision {ap:.4f}")
    print(f"score: {ap:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
