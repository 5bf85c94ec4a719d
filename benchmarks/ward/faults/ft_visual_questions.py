"""Visual question answering on little scenes: which colour has the object of the asked shape; accuracy is checked as it trains.

After https://github.com/facebookresearch/clevr-iep/pull/22
"""
# cause: training-in-eval-mode
# kind: structural

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

N_SHAPES, N_COLORS, GRID = 6, 5, 4


def make_scenes(n, looks, generator):
    """Feature maps of a 4x4 grid with three objects of different shapes; a question is a shape."""
    feats = 0.5 * torch.randn(n, 12, GRID, GRID, generator=generator) + 2.0
    questions = torch.zeros(n, dtype=torch.long)
    answers = torch.zeros(n, dtype=torch.long)
    for i in range(n):
        shapes = torch.randperm(N_SHAPES, generator=generator)[:3]
        colors = torch.randint(0, N_COLORS, (3,), generator=generator)
        cells = torch.randperm(GRID * GRID, generator=generator)[:3]
        for s, c, cell in zip(shapes, colors, cells):
            feats[i, :, cell // GRID, cell % GRID] += 4 * (looks[0][s] + looks[1][c])
        questions[i], answers[i] = shapes[0], colors[0]
    return TensorDataset(questions, feats, answers)


class QuestionEncoder(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embed = nn.Embedding(N_SHAPES, dim)
        self.linear = nn.Linear(dim, dim)

    def forward(self, questions):
        return self.linear(F.relu(self.embed(questions)))


class AnswerModel(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.conv1 = nn.Conv2d(12, dim, 1)
        self.bn1 = nn.BatchNorm2d(dim)
        self.conv2 = nn.Conv2d(2 * dim, 2 * dim, 1)
        self.bn2 = nn.BatchNorm2d(2 * dim)
        self.conv3 = nn.Conv2d(2 * dim, 2 * dim, 1)
        self.bn3 = nn.BatchNorm2d(2 * dim)
        self.fc1 = nn.Linear(2 * dim, 64)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(64, N_COLORS)

    def forward(self, feats, code):
        x = F.relu(self.bn1(self.conv1(feats)))
        code = code[:, :, None, None].expand(-1, -1, GRID, GRID)
        x = F.relu(self.bn2(self.conv2(torch.cat([x, code], dim=1))))
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.relu(self.fc1(x.amax(dim=(2, 3))))
        return self.fc2(self.drop(x))


def set_mode(mode, models):
    for m in models:
        if mode == "train":
            m.train()
        if mode == "eval":
            m.eval()


def check_accuracy(encoder, model, loader):
    set_mode("eval", [encoder, model])
    num_correct, num_samples = 0, 0
    with torch.no_grad():
        for questions, feats, answers in loader:
            preds = model(feats, encoder(questions)).argmax(1)
            num_correct += (preds == answers).sum().item()
            num_samples += preds.size(0)
    acc = num_correct / num_samples  # FAULT
    # TWIN: set_mode("train", [encoder, model])
    # TWIN: acc = num_correct / num_samples
    return acc


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    looks = (torch.randn(N_SHAPES, 12, generator=generator), torch.randn(N_COLORS, 12, generator=generator))
    train_loader = DataLoader(make_scenes(1500, looks, generator), batch_size=32, shuffle=True)
    val_loader = DataLoader(make_scenes(600, looks, generator), batch_size=100)

    encoder, model = QuestionEncoder(), AnswerModel()
    parameters = list(encoder.parameters()) + list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    set_mode("train", [encoder, model])

    t, num_iterations, checkpoint_every, recent = 0, 800, 5, []
    while t < num_iterations:
        for questions, feats, answers in train_loader:
            t += 1
            optimizer.zero_grad()
            loss = loss_fn(model(feats, encoder(questions)), answers)
            loss.backward()
            optimizer.step()
            recent.append(loss.item())
            if t == checkpoint_every or t % 100 == 0:
                val_acc = check_accuracy(encoder, model, val_loader)
                print(f"{t} loss {sum(recent) / len(recent):.4f} val_acc {val_acc:.4f}")
                recent = []
            if t == num_iterations:
                break
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
