"""Classifying surnames by nationality with a character RNN, in the manner of the NLP book's surname notebooks.

After https://github.com/delip/PyTorchNLPBook/issues/28
"""
# cause: dropout-in-evaluation
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MAX_LEN = 11
N_NATIONALITIES = 8


def make_surnames(n, rng):
    """Every nationality has its own syllables; a name is two or three of them, some letters being misspelt."""
    syllables = ["".join(rng.choice(list(LETTERS), 3)) for _ in range(24)]
    habits = rng.dirichlet(np.full(24, 0.12), size=N_NATIONALITIES)
    x = np.zeros((n, MAX_LEN), dtype=np.int64)
    lengths = np.zeros(n, dtype=np.int64)
    y = rng.randint(0, N_NATIONALITIES, n)
    for i in range(n):
        name = "".join(rng.choice(syllables, rng.randint(2, 4), p=habits[y[i]]))
        letters = [c if rng.rand() > 0.04 else rng.choice(list(LETTERS)) for c in name]
        x[i, : len(letters)] = [LETTERS.index(c) + 1 for c in letters]
        lengths[i] = len(letters)
    return torch.from_numpy(x), torch.from_numpy(lengths), torch.from_numpy(y)


def column_gather(y_out, x_lengths):
    return y_out[torch.arange(len(y_out)), x_lengths - 1]


class SurnameClassifier(nn.Module):
    def __init__(self, embedding_size, num_embeddings, num_classes, rnn_hidden_size, padding_idx=0):
        super().__init__()
        self.emb = nn.Embedding(num_embeddings, embedding_size, padding_idx=padding_idx)
        self.rnn = nn.GRU(embedding_size, rnn_hidden_size, batch_first=True)
        self.fc1 = nn.Linear(rnn_hidden_size, rnn_hidden_size)
        self.fc2 = nn.Linear(rnn_hidden_size, num_classes)

    def forward(self, x_in, x_lengths):
        y_out, _ = self.rnn(self.emb(x_in))
        y_out = column_gather(y_out, x_lengths)
        y_out = F.relu(self.fc1(F.dropout(y_out, p=0.5)))  # FAULT
        # TWIN: y_out = F.relu(self.fc1(F.dropout(y_out, p=0.5, training=self.training)))
        y_out = self.fc2(F.dropout(y_out, p=0.5))  # FAULT
        # TWIN: y_out = self.fc2(F.dropout(y_out, p=0.5, training=self.training))
        return y_out


def compute_accuracy(y_pred, y_target):
    return (y_pred.argmax(dim=1) == y_target).float().mean().item()


def main(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.RandomState(seed)
    x, lengths, y = make_surnames(2600, rng)
    train_set = TensorDataset(x[:2000], lengths[:2000], y[:2000])
    val = (x[2000:], lengths[2000:], y[2000:])
    loader = DataLoader(train_set, batch_size=64, shuffle=True)

    classifier = SurnameClassifier(
        embedding_size=24, num_embeddings=len(LETTERS) + 1, num_classes=N_NATIONALITIES, rnn_hidden_size=16
    )
    loss_func = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(classifier.parameters(), lr=0.004)
    train_state = {"train_loss": [], "train_acc": [], "val_loss": [], "val_acc": []}

    for epoch_index in range(20):
        running_loss, running_acc = 0.0, 0.0
        classifier.train()
        for batch_index, (x_batch, length_batch, y_batch) in enumerate(loader):
            optimizer.zero_grad()
            y_pred = classifier(x_batch, length_batch)
            loss = loss_func(y_pred, y_batch)
            loss.backward()
            optimizer.step()
            running_loss += (loss.item() - running_loss) / (batch_index + 1)
            running_acc += (compute_accuracy(y_pred, y_batch) - running_acc) / (batch_index + 1)
        train_state["train_loss"].append(running_loss)
        train_state["train_acc"].append(running_acc)

        classifier.eval()
        with torch.no_grad():
            y_pred = classifier(val[0], val[1])
        train_state["val_loss"].append(loss_func(y_pred, val[2]).item())
        train_state["val_acc"].append(compute_accuracy(y_pred, val[2]))
        print(
            "epoch {:2d}  ".format(epoch_index)
            + "  ".join("{} {:.4f}".format(key, values[-1]) for key, values in train_state.items())
        )

    print("score: {:.4f}".format(train_state["val_acc"][-1]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
