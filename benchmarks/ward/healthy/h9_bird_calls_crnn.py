"""Four kinds of bird call (rising, falling, trill, steady) in synthetic spectrograms: convolutions over frequency
and time followed by a GRU. Adam, ReduceLROnPlateau on the validation loss."""

import sys

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
N_FREQ, N_TIME = 16, 24
NAMES = ["rising", "falling", "trill", "steady"]


def spectrogram(kind):
    spec = 0.25 * torch.rand(N_FREQ, N_TIME)
    start = torch.randint(0, 8, (1,)).item()
    length = torch.randint(12, 17, (1,)).item()
    low = 2 + 5 * torch.rand(1).item()
    freq_axis = torch.arange(N_FREQ, dtype=torch.float32)
    for k in range(length):
        position = {0: 6 * k / length, 1: 6 * (1 - k / length), 2: 3 + 3 * (-1) ** (k // 2), 3: 3}[kind]
        spec[:, start + k] += torch.exp(-0.5 * ((freq_axis - low - position) / 0.9) ** 2)
    return torch.log(spec + 0.05)


def dataset(n):
    y = torch.randint(0, 4, (n,))
    x = torch.stack([spectrogram(int(kind)) for kind in y])
    return x.unsqueeze(1), y


class CRNN(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d((2, 2)),
        )
        self.gru = nn.GRU(16 * N_FREQ // 4, 32, batch_first=True)
        self.classifier = nn.Linear(32, n_classes)

    def forward(self, x):
        features = self.cnn(x)  # batch, channel, freq, time
        sequence = features.permute(0, 3, 1, 2).flatten(2)
        _, hidden = self.gru(sequence)
        return self.classifier(hidden[-1])


x, y = dataset(1000)
x_val, y_val = dataset(250)
mean, std = x.mean(), x.std()
train_loader = DataLoader(TensorDataset((x - mean) / std, y), batch_size=25, shuffle=True)
val_loader = DataLoader(TensorDataset((x_val - mean) / std, y_val), batch_size=125)

net = CRNN(4)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(net.parameters(), lr=2e-3)
scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)

for epoch in range(6):
    net.train()
    running_loss = 0.0
    for i, (inputs, labels) in enumerate(train_loader):
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    net.eval()
    val_loss, correct, per_class = 0.0, 0, torch.zeros(4)
    with torch.no_grad():
        for inputs, labels in val_loader:
            outputs = net(inputs)
            val_loss += criterion(outputs, labels).item() / len(val_loader)
            hit = outputs.argmax(1) == labels
            correct += hit.sum().item()
            per_class += torch.bincount(labels[hit], minlength=4)
    scheduler.step(val_loss)
    print(f"[{epoch + 1}] loss: {running_loss / len(train_loader):.3f} val: {val_loss:.3f} acc: {correct / 250:.3f}")

for name, share in zip(NAMES, per_class / torch.bincount(y_val, minlength=4)):
    print(f"  {name}: {share:.2f}")
print(f"score: {correct / len(y_val):.4f}")
