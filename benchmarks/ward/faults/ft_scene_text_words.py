"""Scene text recognition on small rendered words: convolutional features, a BiLSTM over the columns, one character per slot.

After https://github.com/clovaai/deep-text-recognition-benchmark/issues/23
"""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

CHARACTERS = "0123456789abcdef"
WORD_LENGTH = 4


def render_words(count, glyphs, generator):
    labels = torch.randint(0, len(CHARACTERS), (count, WORD_LENGTH), generator=generator)
    images = glyphs[labels]  # count, 4, 8, 6
    images = images.permute(0, 2, 1, 3).reshape(count, 1, 8, WORD_LENGTH * 6)
    contrast = 0.6 + 0.4 * torch.rand(count, 1, 1, 1, generator=generator)
    images = images * contrast + 0.15 * torch.randn(images.shape, generator=generator)
    images = (images.clamp(0, 1) - 0.5) / 0.5
    return images, labels


class FeatureExtractor(nn.Module):
    def __init__(self, channels=32):
        super().__init__()
        self.ConvNet = nn.Sequential(
            nn.Conv2d(1, 16, 3, 1, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(16, channels, 3, 1, 1),
            nn.BatchNorm2d(channels),
            nn.ReLU(True),
            nn.MaxPool2d((2, 1), (2, 1)),
            nn.Conv2d(channels, channels, (2, 3), 1, 0),
            nn.ReLU(True),
        )

    def forward(self, image):
        return self.ConvNet(image)


class Recognizer(nn.Module):
    def __init__(self, hidden_size=48):
        super().__init__()
        self.FeatureExtraction = FeatureExtractor()
        self.SequenceModeling = nn.LSTM(32, hidden_size, bidirectional=True, batch_first=True)
        self.AdaptiveAvgPool = nn.AdaptiveAvgPool1d(WORD_LENGTH)
        self.Prediction = nn.Linear(hidden_size * 2, len(CHARACTERS))

    def forward(self, image):
        visual = self.FeatureExtraction(image).squeeze(2).permute(0, 2, 1)
        contextual, _ = self.SequenceModeling(visual)
        slots = self.AdaptiveAvgPool(contextual.permute(0, 2, 1)).permute(0, 2, 1)
        return self.Prediction(slots)


def validation(model, loader, criterion):
    model.eval()
    loss_sum, correct, total = 0.0, 0, 0
    with torch.no_grad():
        for image, text in loader:
            preds = model(image)
            loss_sum += criterion(preds.reshape(-1, len(CHARACTERS)), text.reshape(-1)).item() * len(text)
            correct += (preds.argmax(2) == text).all(dim=1).sum().item()
            total += len(text)
    model.train()
    return loss_sum / total, correct / total


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    glyphs = (torch.rand(len(CHARACTERS), 8, 6, generator=generator) > 0.5).float()
    train_data = TensorDataset(*render_words(2000, glyphs, generator))
    valid_data = TensorDataset(*render_words(500, glyphs, generator))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
    valid_loader = DataLoader(valid_data, batch_size=250)

    model = Recognizer()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1, betas=(0.9, 0.999))  # FAULT
    # TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=0.003, betas=(0.9, 0.999))

    best_accuracy = 0.0
    for epoch in range(8):
        running = 0.0
        for image, text in train_loader:
            preds = model(image)
            cost = criterion(preds.reshape(-1, len(CHARACTERS)), text.reshape(-1))
            model.zero_grad()
            cost.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
            optimizer.step()
            running += cost.item()
        valid_loss, accuracy = validation(model, valid_loader, criterion)
        best_accuracy = max(best_accuracy, accuracy)
        print(
            f"[{epoch + 1}/8] Train loss: {running / len(train_loader):.5f}, Valid loss: {valid_loss:.5f}, "
            f"Current_accuracy: {100 * accuracy:.2f}, Best_accuracy: {100 * best_accuracy:.2f}"
        )
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
