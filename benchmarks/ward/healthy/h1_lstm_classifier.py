"""LSTM that tells whether a token sequence holds more 'up' than 'down' tokens (embedding, one LSTM layer, last hidden
state). Gradients are clipped to norm 1, and the forget gate's bias starts at 1.
"""

import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH = 12, 15


def make_sequences(n, generator):
    x = torch.randint(0, VOCAB, (n, LENGTH), generator=generator)
    balance = (x < 3).sum(1) - ((x >= 3) & (x < 6)).sum(1)
    keep = balance != 0
    return x[keep], (balance[keep] > 0).float()


class SequenceClassifier(nn.Module):
    def __init__(self, embed=16, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, embed)
        self.lstm = nn.LSTM(embed, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)
        with torch.no_grad():
            self.lstm.bias_ih_l0[hidden : 2 * hidden].fill_(1.0)

    def forward(self, tokens):
        _, (h_n, _) = self.lstm(self.embedding(tokens))
        return self.fc(h_n[-1]).squeeze(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    g = torch.Generator()
    g.manual_seed(seed + 1000)

    train_loader = DataLoader(TensorDataset(*make_sequences(1400, g)), batch_size=32, shuffle=True)
    test_x, test_y = make_sequences(600, g)

    model = SequenceClassifier()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        model.train()
        total, seen = 0.0, 0
        for tokens, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(tokens), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            total += loss.item() * len(labels)
            seen += len(labels)
        model.eval()
        with torch.no_grad():
            accuracy = ((model(test_x) > 0).float() == test_y).float().mean().item()
        print(f"epoch {epoch}: train_loss={total / seen:.4f}, test_acc={accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
