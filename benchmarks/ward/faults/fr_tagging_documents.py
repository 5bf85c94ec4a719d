"""Assigns tags to short documents: each document may carry several of the eleven tags, the targets come as rows of
zeros and ones (as from scikit-learn's MultiLabelBinarizer).

After https://stackoverflow.com/questions/44164749/how-does-keras-handle-multilabel-classification
"""
# cause: loss-output-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn

N_TAGS = 11
VOCABULARY = 300
N_TRAIN, N_TEST = 1200, 400
EPOCHS = 25
BATCH = 50


def make_documents(n, topics, rng):
    """Word counts of documents whose words come from the topics of their tags and from a common background."""
    Y = np.zeros((n, N_TAGS), dtype="float32")
    X = np.zeros((n, VOCABULARY), dtype="float32")
    for i in range(n):
        tags = rng.choice(N_TAGS, size=rng.integers(1, 5), replace=False)
        Y[i, tags] = 1.0
        mixture = 0.4 / VOCABULARY + 0.6 * topics[tags].mean(axis=0)
        X[i] = rng.multinomial(120, mixture / mixture.sum())
    return np.log1p(X), Y


def make_model():
    return nn.Sequential(
        nn.Linear(VOCABULARY, 128),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(64, N_TAGS),
    )


def predict(model, X):
    model.eval()
    with torch.no_grad():
        out = model(X)
        preds = torch.softmax(out, dim=1)  # FAULT
        # TWIN: preds = torch.sigmoid(out)
    return (preds >= 0.5).int().numpy()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    topics = rng.dirichlet(np.full(VOCABULARY, 0.05), size=N_TAGS)
    X_train, Y_train = make_documents(N_TRAIN, topics, rng)
    X_test, Y_test = make_documents(N_TEST, topics, rng)
    mean, std = X_train.mean(axis=0), X_train.std(axis=0) + 1e-6
    X_train, X_test = torch.tensor((X_train - mean) / std), torch.tensor((X_test - mean) / std)
    Y_train = torch.tensor(Y_train)

    model = make_model()
    loss_fn = nn.CrossEntropyLoss()  # FAULT
    # TWIN: loss_fn = nn.BCEWithLogitsLoss()
    sgd = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)

    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        order = torch.randperm(N_TRAIN)
        for start in range(0, N_TRAIN, BATCH):
            rows = order[start : start + BATCH]
            sgd.zero_grad()
            loss = loss_fn(model(X_train[rows]), Y_train[rows])
            loss.backward()
            sgd.step()
            total += loss.item() * len(rows)
        if epoch % 4 == 0 or epoch == EPOCHS - 1:
            f1 = f1_score(Y_test, predict(model, X_test), average="micro", zero_division=0)
            print(f"Epoch {epoch + 1}/{EPOCHS}  loss: {total / N_TRAIN:.4f}  test micro-F1: {f1:.4f}")

    preds = predict(model, X_test)
    print("tags per document, true and predicted:", Y_test.sum(1).mean(), preds.sum(1).mean())
    score = f1_score(Y_test, preds, average="micro", zero_division=0)
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
