"""Classifies short clips of a moving ball by direction: a CNN encodes every frame, an LSTM reads the sequence.

After https://github.com/HHTseng/video-classification/issues/42
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

FRAMES, SIZE, CLASSES = 6, 10, 4


def make_clips(n, rng):
    steps = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])
    labels = rng.integers(0, CLASSES, n)
    clips = rng.normal(0, 0.1, (n, FRAMES, 1, SIZE, SIZE)).astype(np.float32)
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    for i in range(n):
        start = rng.uniform(2, SIZE - 3, 2) - steps[labels[i]] * 2
        for t in range(FRAMES):
            cy, cx = (start + steps[labels[i]] * t) % SIZE
            clips[i, t, 0] += np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 2.0)
    return torch.from_numpy(clips), torch.from_numpy(labels)


class EncoderCNN(nn.Module):
    def __init__(self, embed_dim=32):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.fc1 = nn.Linear(16 * 5 * 5, embed_dim)

    def forward(self, x_3d):
        cnn_embed_seq = []
        for t in range(x_3d.size(1)):
            x = F.relu(self.conv1(x_3d[:, t]))
            x = F.relu(self.conv2(x))
            x = self.fc1(x.flatten(1))
            cnn_embed_seq.append(F.relu(x))
        return torch.stack(cnn_embed_seq, dim=1)


class DecoderRNN(nn.Module):
    def __init__(self, embed_dim=32, hidden=48):
        super().__init__()
        self.LSTM = nn.LSTM(input_size=embed_dim, hidden_size=hidden)
        self.fc1 = nn.Linear(hidden, CLASSES)

    def forward(self, x_RNN):
        batch, frames, features = x_RNN.shape
        sequence = x_RNN.view(frames, batch, features)  # FAULT
        # TWIN: sequence = x_RNN.transpose(0, 1)
        RNN_out, (h_n, h_c) = self.LSTM(sequence, None)
        return self.fc1(RNN_out[-1])


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    train_x, train_y = make_clips(1000, rng)
    test_x, test_y = make_clips(400, rng)
    train_loader = DataLoader(TensorDataset(train_x, train_y), batch_size=40, shuffle=True)
    valid_loader = DataLoader(TensorDataset(test_x, test_y), batch_size=40)

    cnn_encoder, rnn_decoder = EncoderCNN(), DecoderRNN()
    crnn_params = list(cnn_encoder.parameters()) + list(rnn_decoder.parameters())
    optimizer = torch.optim.Adam(crnn_params, lr=2e-3)

    for epoch in range(12):
        cnn_encoder.train()
        rnn_decoder.train()
        total = 0.0
        for X, y in train_loader:
            optimizer.zero_grad()
            output = rnn_decoder(cnn_encoder(X))
            loss = F.cross_entropy(output, y)
            loss.backward()
            optimizer.step()
            total += loss.item()

        cnn_encoder.eval()
        rnn_decoder.eval()
        hits = 0
        with torch.no_grad():
            for X, y in valid_loader:
                hits += (rnn_decoder(cnn_encoder(X)).argmax(1) == y).sum().item()
        accuracy = hits / len(test_y)
        print(f"Train Epoch: {epoch + 1}\tLoss: {total / len(train_loader):.6f}\tTest accuracy: {100 * accuracy:.2f}%")

    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
