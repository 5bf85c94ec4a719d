"""Captions for drawn shapes: image features start an LSTM that writes the words; null tokens are masked out of the loss.

After the image captioning part of CS231n assignment 3 (LSTM captioning, temporal softmax loss, greedy sampling),
https://cs231n.github.io/assignments2021/assignment3/
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES, SHAPES = ["small", "large"], ["square", "cross", "frame", "bar"]
ROWS, COLS = ["top", "bottom"], ["left", "right"]
VOCAB = ["<NULL>", "<START>", "<END>", "a", "at", "the", "tall"] + SIZES + SHAPES + ROWS + COLS
W = {w: i for i, w in enumerate(VOCAB)}
MAX_LEN = 10


def draw(rng):
    size, shape, row, col = rng.integers(2), rng.integers(4), rng.integers(2), rng.integers(2)
    r = 4 if size else 2
    img = np.zeros((20, 20), np.float32)
    cy, cx = (5, 14)[row] + rng.integers(-1, 2), (5, 14)[col] + rng.integers(-1, 2)
    y, x = np.mgrid[:20, :20]
    dy, dx = np.abs(y - cy), np.abs(x - cx)
    if shape == 0:
        img[(dy <= r) & (dx <= r)] = 1
    elif shape == 1:
        img[((dy <= r) & (dx == 0)) | ((dx <= r) & (dy == 0))] = 1
    elif shape == 2:
        img[(np.maximum(dy, dx) == r)] = 1
    else:
        img[(dy <= r) & (dx <= 1)] = 1
    img += rng.normal(0, 0.15, img.shape)
    words = ["a", SIZES[size]] + (["tall"] if shape == 3 else []) + [SHAPES[shape], "at", "the", ROWS[row], COLS[col]]
    caption = [W["<START>"]] + [W[w] for w in words] + [W["<END>"]]
    return img, caption + [W["<NULL>"]] * (MAX_LEN - len(caption))


def make_split(n, rng):
    images, captions = zip(*(draw(rng) for _ in range(n)))
    return torch.from_numpy(np.stack(images).astype(np.float32))[:, None], torch.tensor(captions)


class CaptioningModel(nn.Module):
    def __init__(self, wordvec_dim=24, hidden_dim=64):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2, padding=2),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.proj = nn.Linear(24 * 5 * 5, 2 * hidden_dim)  # to the first hidden and cell state
        self.embed = nn.Embedding(len(VOCAB), wordvec_dim, padding_idx=W["<NULL>"])
        self.lstm = nn.LSTM(wordvec_dim, hidden_dim, batch_first=True)
        self.scores = nn.Linear(hidden_dim, len(VOCAB))
        with torch.no_grad():  # open forget gates, so that the picture is remembered
            self.lstm.bias_ih_l0[hidden_dim : 2 * hidden_dim] = 1.0

    def init_state(self, images):
        h0, c0 = self.proj(self.features(images))[None].chunk(2, dim=-1)
        return torch.tanh(h0).contiguous(), c0.contiguous()

    def loss(self, images, captions):
        captions_in, captions_out = captions[:, :-1], captions[:, 1:]
        hidden, _ = self.lstm(self.embed(captions_in), self.init_state(images))
        scores = self.scores(hidden)
        return F.cross_entropy(scores.flatten(0, 1), captions_out.flatten(), ignore_index=W["<NULL>"])

    @torch.no_grad()
    def sample(self, images):
        state = self.init_state(images)
        word = torch.full((len(images), 1), W["<START>"])
        words, done = [], torch.zeros(len(images), dtype=torch.bool)
        for _ in range(MAX_LEN - 1):
            out, state = self.lstm(self.embed(word), state)
            word = self.scores(out[:, -1]).argmax(-1, keepdim=True)
            words.append(word[:, 0].masked_fill(done, W["<NULL>"]))
            done |= word[:, 0] == W["<END>"]
        return torch.stack(words, 1)


class CaptioningSolver:
    def __init__(self, model, data, num_epochs=10, batch_size=50, lr=3e-3, lr_decay=0.85, print_every=80):
        self.model, self.data = model, data
        self.num_epochs, self.batch_size, self.lr_decay, self.print_every = (
            num_epochs,
            batch_size,
            lr_decay,
            print_every,
        )
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, lr_decay)

    def train(self):
        images, captions = self.data["train"]
        step, total = 0, self.num_epochs * (len(images) // self.batch_size)
        for _ in range(self.num_epochs):
            self.model.train()
            for idx in torch.randperm(len(images)).split(self.batch_size):
                loss = self.model.loss(images[idx], captions[idx])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                step += 1
                if step % self.print_every == 0:
                    print(f"(Iteration {step} / {total}) loss: {loss.item():.4f}")
            self.schedule.step()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    data = {"train": make_split(2000, rng), "val": make_split(500, rng)}
    model = CaptioningModel()
    CaptioningSolver(model, data).train()
    model.eval()
    images, captions = data["val"]
    out = model.sample(images)
    for k in range(3):
        print(
            "pred:",
            " ".join(VOCAB[i] for i in out[k] if i > 2),
            "| true:",
            " ".join(VOCAB[i] for i in captions[k] if i > 2),
        )
    exact = (out == captions[:, 1:]).all(1).float().mean().item()
    print(f"score: {exact:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
