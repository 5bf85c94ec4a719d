"""Trains a small CNN on 8-bit grey images of digits and then runs the prediction pipeline on new pictures.

After https://github.com/Priyanshu-byte-coder/devtrack/issues/927
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Rescaling(nn.Module):
    """Pixel values 0..255 to 0..1, as a layer of the model."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x * self.scale


def build_model():
    return nn.Sequential(
        Rescaling(1.0 / 255),
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24 * 2 * 2, 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 10),
    )


def load_pictures():
    digits = load_digits()
    pictures = np.round(digits.images * 255.0 / 16.0).astype(np.uint8)
    return pictures, digits.target


def preprocess_image_array(picture):
    array = picture.astype(np.float32)
    return torch.from_numpy(array / 255.0).unsqueeze(0)  # FAULT
    # TWIN: return torch.from_numpy(array).unsqueeze(0)


def predict(model, pictures):
    model.eval()
    batch = torch.stack([preprocess_image_array(p) for p in pictures])
    with torch.no_grad():
        probabilities = torch.softmax(model(batch), dim=1)
    return probabilities.argmax(1).numpy(), probabilities.max(1).values.numpy()


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    pictures, labels = load_pictures()
    train_p, test_p, train_y, test_y = train_test_split(
        pictures, labels, test_size=0.25, random_state=seed, stratify=labels
    )
    x = torch.tensor(train_p, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(train_y)

    model = build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(8):
        model.train()
        total = right = 0.0
        for idx in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            logits = model(x[idx])
            loss = criterion(logits, y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
            right += (logits.argmax(1) == y[idx]).sum().item()
        guess, _ = predict(model, test_p)
        print(
            f"Epoch {epoch + 1}/8 - loss: {total / len(x):.4f} - accuracy: {right / len(x):.4f}"
            f" - val_accuracy: {(guess == test_y).mean():.4f}"
        )

    guess, sureness = predict(model, test_p)
    print(f"mean confidence on the new pictures: {sureness.mean():.3f}")
    print(f"score: {(guess == test_y).mean():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
