"""Number plates read from a strip of pixels (letters drawn by fixed random glyphs of varying width): convolutions along
the strip, then connectionist temporal classification, decoded greedily. Score: plates read without a mistake.
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
GLYPHS, HEIGHT, WIDTH = 12, 10, 56


class Plates(Dataset):
    def __init__(self, n, font, gen):
        self.strips = 0.25 * torch.randn(n, HEIGHT, WIDTH, generator=gen)
        self.codes = []
        for row in range(n):
            code, at = [], int(torch.randint(0, 4, (), generator=gen))
            for _ in range(int(torch.randint(3, 6, (), generator=gen))):
                k, wide = int(torch.randint(0, GLYPHS, (), generator=gen)), int(torch.randint(7, 10, (), generator=gen))
                glyph = nn.functional.interpolate(font[k][None], wide, mode="linear", align_corners=True)[0]
                self.strips[row, :, at : at + wide] += glyph
                code.append(k + 1)
                at += wide + int(torch.randint(1, 3, (), generator=gen))
            self.codes.append(torch.tensor(code))

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, i):
        return self.strips[i], self.codes[i]


def collate(items):
    strips, codes = zip(*items)
    return torch.stack(strips), torch.cat(codes), torch.tensor([len(c) for c in codes])


class Reader(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(HEIGHT, dim, 5, padding=2),
            nn.BatchNorm1d(dim),
            nn.ReLU(),
            nn.Conv1d(dim, dim, 5, padding=2, stride=2),
            nn.BatchNorm1d(dim),
            nn.ReLU(),
            nn.Conv1d(dim, dim, 3, padding=1),
            nn.BatchNorm1d(dim),
            nn.ReLU(),
            nn.Conv1d(dim, GLYPHS + 1, 1),
        )

    def forward(self, strips):
        return self.net(strips).permute(2, 0, 1).log_softmax(-1)


@torch.no_grad()
def exact(model, loader):
    model.eval()
    right = 0
    for strips, codes, lengths in loader:
        best = model(strips).argmax(-1).T
        for path, code in zip(best, codes.split(lengths.tolist())):
            merged = torch.unique_consecutive(path)
            right += merged[merged > 0].tolist() == code.tolist()
    return right / len(loader.dataset)


def main(seed):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    font = (torch.rand(GLYPHS, HEIGHT, 5, generator=gen) < 0.5).float()
    train = DataLoader(Plates(1500, font, gen), batch_size=32, shuffle=True, collate_fn=collate)
    val, test = [DataLoader(Plates(n, font, gen), batch_size=100, collate_fn=collate) for n in (200, 500)]
    model, criterion = Reader(), nn.CTCLoss(zero_infinity=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    for epoch in range(6):
        model.train()
        total = 0.0
        for strips, codes, lengths in train:
            log_p = model(strips)
            loss = criterion(log_p, codes, torch.full((len(strips),), log_p.shape[0]), lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        print(f"epoch {epoch} ctc {total / len(train):.4f} plates right {exact(model, val):.3f}")
    print(f"score: {exact(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
