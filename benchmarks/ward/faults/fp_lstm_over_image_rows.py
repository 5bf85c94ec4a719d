"""Reads a digit row by row with a two-layer LSTM and classifies it from the last output.

After https://github.com/pytorch/pytorch/issues/1538
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

batch_size = 50
learning_rate = 5e-3
num_epoches = 16


class Rnn(nn.Module):
    def __init__(self, in_dim, hidden_dim, n_layer, n_class):
        super().__init__()
        self.n_layer = n_layer
        self.hidden_dim = hidden_dim
        self.lstm = nn.LSTM(in_dim, hidden_dim, n_layer)  # FAULT
        # TWIN: self.lstm = nn.LSTM(in_dim, hidden_dim, n_layer, batch_first=True)
        self.classifier = nn.Linear(hidden_dim, n_class)

    def forward(self, x):
        # x: (batch, rows, columns)
        out, _ = self.lstm(x)
        out = out[:, -1, :]
        out = self.classifier(out)
        return out


def main(seed):
    torch.set_num_threads(1)
    np.random.seed(seed)
    torch.manual_seed(seed)

    digits = load_digits()
    order = np.random.permutation(len(digits.target))
    images = torch.tensor(digits.images[order] / 16.0, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target[order])
    train_dataset = TensorDataset(images[:1350], labels[:1350])
    test_dataset = TensorDataset(images[1350:], labels[1350:])
    train_loader = DataLoader(train_dataset, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test_dataset, batch_size=batch_size, shuffle=False)

    model = Rnn(8, 48, 2, 10)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=learning_rate)

    eval_acc = 0.0
    for epoch in range(num_epoches):
        model.train()
        running_loss = 0.0
        running_acc = 0.0
        for img, label in train_loader:
            img = img.squeeze(1)
            out = model(img)
            loss = criterion(out, label)
            running_loss += loss.item() * label.size(0)
            running_acc += (out.argmax(1) == label).sum().item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        model.eval()
        eval_loss = 0.0
        eval_acc = 0.0
        with torch.no_grad():
            for img, label in test_loader:
                out = model(img.squeeze(1))
                eval_loss += criterion(out, label).item() * label.size(0)
                eval_acc += (out.argmax(1) == label).sum().item()
        eval_acc /= len(test_dataset)
        print(
            f"epoch {epoch + 1} Loss: {running_loss / len(train_dataset):.6f}, Acc: {running_acc / len(train_dataset):.6f} | Test Loss: {eval_loss / len(test_dataset):.6f}, Acc: {eval_acc:.6f}"
        )

    print(f"score: {eval_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
