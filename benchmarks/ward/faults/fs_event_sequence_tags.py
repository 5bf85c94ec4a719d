"""Tags sequences of 48 event codes with sixteen yes/no labels; a port of a small Keras LSTM model.

After https://discuss.pytorch.org/t/the-loss-in-pytorch-decreases-slower-than-in-keras/61598
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, LABELS = 16, 48, 16


class LSTM(nn.Module):
    def __init__(self, embedding_dim, hidden_dim, vocab_size, label_size):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim)  # FAULT
        # TWIN: self.lstm = nn.LSTM(embedding_dim, hidden_dim, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(hidden_dim, label_size)

    def forward(self, x):
        x = self.embedding(x)
        x, _ = self.lstm(x, None)
        x = x[:, -1, :]
        x = self.dropout(x)
        x = self.fc(x)
        return torch.sigmoid(x)


def make_sequences(rng, n):
    """Label k is on when code k turns up among the last codes of the sequence."""
    codes = rng.integers(0, VOCAB, size=(n, LENGTH))
    labels = np.zeros((n, LABELS), dtype=np.float32)
    for row, sequence in enumerate(codes):
        labels[row, sequence[-8:]] = 1.0
    return torch.from_numpy(codes), torch.from_numpy(labels)


def train_lstm(model, train_loader, test_loader, num_epochs):
    criterion = nn.BCELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    hist = np.zeros(num_epochs)
    for t in range(num_epochs):
        running_loss = 0.0
        model.train()
        for inputs, labels in train_loader:
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        hist[t] = running_loss / len(train_loader)
        print("Epoch:", t, "loss: %.4f" % hist[t], "val acc: %.4f" % evaluate(model, test_loader))
    return hist


def evaluate(model, loader):
    model.eval()
    right, count = 0.0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            predictions = (model(inputs) > 0.5).float()
            right += (predictions == labels).sum().item()
            count += labels.numel()
    return right / count


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    X_train, y_train = make_sequences(rng, 2560)
    X_test, y_test = make_sequences(rng, 512)
    train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(X_test, y_test), batch_size=64, shuffle=False)

    model = LSTM(10, 50, VOCAB, LABELS)
    hist = train_lstm(model, train_loader, test_loader, 7)
    print("loss by epoch:", np.round(hist, 3))
    print(f"score: {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
