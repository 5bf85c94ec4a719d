"""Intent of commands to a home assistant ("turn on the lamp in the kitchen", ...): a one-layer Transformer encoder
with a padding mask and mean pooling over real tokens. The commands come from templates with random words mixed in.
"""

import random
import sys

import torch
from torch import nn

torch.set_num_threads(1)
TEMPLATES = {
    "light_on": ["turn on the {thing}", "switch the {thing} on", "make it brighter in the {room}"],
    "light_off": ["turn off the {thing}", "switch the {thing} off", "make it darker in the {room}"],
    "music": ["play some {music}", "put on {music} in the {room}", "i want to hear {music}"],
    "stop_music": ["stop the {music}", "no more {music}", "turn off the {music} in the {room}"],
    "weather": ["will it {sky} today", "is it going to {sky}", "do i need a coat for the {sky}"],
    "timer": ["wake me in {n} minutes", "set a timer for {n} minutes", "call me after {n} minutes"],
}
SLOTS = {
    "thing": ["lamp", "light", "lights", "spotlight"],
    "room": ["kitchen", "bedroom", "hall", "bath"],
    "music": ["jazz", "rock", "radio", "music", "piano"],
    "sky": ["rain", "snow", "storm", "hail"],
    "n": ["five", "ten", "twenty", "thirty"],
}
POLITE = ["please", "hey", "now", "could", "you", "thanks", "ok", "well", "just", "hello"]
INTENTS = list(TEMPLATES)


def command():
    intent = random.randrange(len(INTENTS))
    text = random.choice(TEMPLATES[INTENTS[intent]])
    words = text.format(**{slot: random.choice(options) for slot, options in SLOTS.items()}).split()
    for _ in range(random.randint(0, 4)):
        words.insert(random.randint(0, len(words)), random.choice(POLITE))
    return [w if random.random() > 0.05 else "<unk>" for w in words], intent


class Encoder(nn.Module):
    def __init__(self, n_words, dim=32, max_len=16):
        super().__init__()
        self.words = nn.Embedding(n_words, dim, padding_idx=0)
        self.places = nn.Embedding(max_len, dim)
        self.layer = nn.TransformerEncoderLayer(dim, 2, 64, dropout=0.1, batch_first=True)
        self.out = nn.Linear(dim, len(INTENTS))

    def forward(self, ids):
        pad = ids == 0
        h = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        h = self.layer(h, src_key_padding_mask=pad)
        real = (~pad).unsqueeze(-1).float()
        return self.out((h * real).sum(1) / real.sum(1))


def main(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    data = [command() for _ in range(2400)]
    vocab = {w: i + 1 for i, w in enumerate(sorted({w for words, _ in data for w in words}))}
    ids = torch.zeros(len(data), 16, dtype=torch.long)
    for row, (words, _) in enumerate(data):
        ids[row, : len(words)] = torch.tensor([vocab[w] for w in words])
    y = torch.tensor([intent for _, intent in data])

    model = Encoder(len(vocab) + 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        losses = []
        for idx in torch.randperm(2000).split(40):
            loss = criterion(model(ids[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            out = model(ids[2000:])
        correct = (out.argmax(1) == y[2000:]).sum().item()
        print(
            f"epoch {epoch + 1}/5  train_loss: {sum(losses) / len(losses):.4f}  "
            f"val_loss: {criterion(out, y[2000:]).item():.4f}  val_acc: {correct / 400:.4f}"
        )
    print(f"score: {correct / 400:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
