"""The first autoencoder of a well-known tutorial, one dense layer each way with binary cross-entropy and Adadelta, on small
handwritten digits (8-bit grey). The score is the mean correlation between unseen digits and their reconstructions.

After https://github.com/keras-team/keras/issues/3642
"""
# cause: unscaled-inputs
# accept: unscaled-targets loss-output-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def load_images(seed):
    grey = (load_digits().data * 255 / 16).astype(np.uint8)
    x_train, x_test = train_test_split(grey, test_size=0.25, random_state=seed)
    x_train = torch.from_numpy(x_train.astype(np.float32))  # FAULT
    x_test = torch.from_numpy(x_test.astype(np.float32))  # FAULT
    # TWIN: x_train = torch.from_numpy(x_train.astype(np.float32) / 255)
    # TWIN: x_test = torch.from_numpy(x_test.astype(np.float32) / 255)
    return x_train, x_test


class Autoencoder(nn.Module):
    def __init__(self, input_dim=64, encoding_dim=24):
        super().__init__()
        self.encoded = nn.Sequential(nn.Linear(input_dim, encoding_dim), nn.ReLU())
        self.decoded = nn.Linear(encoding_dim, input_dim)

    def forward(self, x):
        return self.decoded(self.encoded(x))

    def predict(self, x):
        self.eval()
        with torch.no_grad():
            return torch.sigmoid(self(x))


def likeness(model, images):
    """Mean over the images of the correlation between the pixels of an image and of its reconstruction."""
    decoded = model.predict(images)
    a = images - images.mean(1, keepdim=True)
    b = decoded - decoded.mean(1, keepdim=True)
    return ((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-8)).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x_train, x_test = load_images(seed)

    autoencoder = Autoencoder()
    binary_crossentropy = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adadelta(autoencoder.parameters(), lr=1.0)
    epochs, batch_size = 50, 64

    for epoch in range(epochs):
        autoencoder.train()
        losses = []
        for index in torch.randperm(len(x_train)).split(batch_size):
            batch = x_train[index]
            optimizer.zero_grad()
            loss = binary_crossentropy(autoencoder(batch), batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if (epoch + 1) % 10 == 0:
            with torch.no_grad():
                val_loss = binary_crossentropy(autoencoder(x_test), x_test).item()
            print(f"Epoch {epoch + 1}/{epochs} - loss: {np.mean(losses):.4f} - val_loss: {val_loss:.4f}")

    print(f"score: {likeness(autoencoder, x_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
