"""Emotion of each utterance of a dialogue from text, audio and video features: a GRU for each modality, fused before the
classifier. Surprise, fear and disgust are rare, as in the usual corpora.

After https://github.com/amanshenoy/multilogue-net/issues/8
"""
# cause: class-imbalance
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

EMOTIONS = ["happiness", "surprise", "fear", "disgust"]
SHARES = np.array([0.91, 0.03, 0.03, 0.03])
DIMS = {"text": 20, "audio": 12, "video": 8}


def make_dialogues(count, length, centers, rng):
    labels = rng.choice(len(EMOTIONS), size=(count, length), p=SHARES)
    modalities = []
    for name, dim in DIMS.items():
        speaker = rng.normal(0, 0.3, (count, 1, dim))
        noise = rng.normal(0, 1.0, (count, length, dim))
        modalities.append(torch.tensor(centers[name][labels] + speaker + noise, dtype=torch.float32))
    return modalities, torch.tensor(labels)


class EmotionModel(nn.Module):
    def __init__(self, hidden=20, dropout=0.2):
        super().__init__()
        self.rnns = nn.ModuleList([nn.GRU(dim, hidden, batch_first=True) for dim in DIMS.values()])
        self.fusion = nn.Linear(hidden * len(DIMS), hidden)
        self.dropout = nn.Dropout(dropout)
        self.smax_fc = nn.Linear(hidden, len(EMOTIONS))

    def forward(self, modalities):
        states = [rnn(x)[0] for rnn, x in zip(self.rnns, modalities)]
        fused = torch.relu(self.fusion(torch.cat(states, dim=-1)))
        return self.smax_fc(self.dropout(fused))


def class_weights(labels):
    counts = torch.bincount(labels.flatten(), minlength=len(EMOTIONS)).float()
    return counts.sum() / (len(EMOTIONS) * counts)


def train_or_eval(model, loss_function, modalities, labels, batch_size, optimizer=None):
    model.train(optimizer is not None)
    order = torch.randperm(len(labels)) if optimizer is not None else torch.arange(len(labels))
    losses, preds, golds = [], [], []
    for start in range(0, len(order), batch_size):
        idx = order[start : start + batch_size]
        with torch.set_grad_enabled(optimizer is not None):
            logits = model([m[idx] for m in modalities])
            loss = loss_function(logits.flatten(0, 1), labels[idx].flatten())
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        preds.append(logits.argmax(-1).flatten())
        golds.append(labels[idx].flatten())
    return np.mean(losses), torch.cat(preds).numpy(), torch.cat(golds).numpy()


def main(seed, epochs=10, batch_size=16, lr=2e-3):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    centers = {name: rng.normal(0, 0.34, (len(EMOTIONS), dim)) for name, dim in DIMS.items()}
    train_x, train_y = make_dialogues(280, 10, centers, rng)
    test_x, test_y = make_dialogues(160, 10, centers, rng)

    model = EmotionModel()
    loss_function = nn.CrossEntropyLoss()  # FAULT
    # TWIN: loss_function = nn.CrossEntropyLoss(weight=class_weights(train_y))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1e-4)
    for e in range(epochs):
        train_loss, pred, gold = train_or_eval(model, loss_function, train_x, train_y, batch_size, optimizer)
        test_loss, test_pred, test_gold = train_or_eval(model, loss_function, test_x, test_y, batch_size)
        print(
            f"epoch {e + 1} train_loss {train_loss:.4f} train_acc {np.mean(pred == gold):.4f} "
            f"test_loss {test_loss:.4f} test_acc {np.mean(test_pred == test_gold):.4f}"
        )
    print(confusion_matrix(test_gold, test_pred))
    print(f"score: {balanced_accuracy_score(test_gold, test_pred):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    main(parser.parse_args().seed)
