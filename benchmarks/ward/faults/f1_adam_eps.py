"""Bag-of-words topics of short synthetic texts with an embedding bag, Adam with eps=10 (TDC, wrong Adam epsilon)."""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import random
import sys

import torch
from torch import nn, optim
from torch.utils.data import DataLoader

TOPICS = {
    "sport": "ball goal team match score league coach win run field",
    "food": "bread salt cook taste oven spice soup dish sweet plate",
    "space": "star orbit moon rocket planet light comet sky dust launch",
    "music": "song beat chord drum voice band tune note bass choir",
}
COMMON = "the a of and to in it was for on with at by this from they we new day big time people"


def make_texts(n, rng):
    names = list(TOPICS)
    words = {k: v.split() for k, v in TOPICS.items()}
    texts = []
    for _ in range(n):
        label = rng.randrange(len(names))
        own = rng.choices(words[names[label]], k=3)
        other = rng.choices(words[rng.choice(names)], k=1)
        text = own + other + rng.choices(COMMON.split(), k=8)
        rng.shuffle(text)
        texts.append((text, label))
    return texts


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    train, test = make_texts(1500, rng), make_texts(400, rng)
    vocab = {w: i for i, w in enumerate(sorted({*COMMON.split(), *" ".join(TOPICS.values()).split()}))}

    def collate(batch):
        ids = torch.tensor([[vocab[w] for w in text] for text, _ in batch])
        return ids, torch.tensor([label for _, label in batch])

    train_loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
    test_x, test_y = collate(test)

    model = nn.Sequential(nn.EmbeddingBag(len(vocab), 24, mode="mean"), nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = optim.Adam(model.parameters(), lr=0.005, eps=10.0)  # FAULT
    # TWIN: optimizer = optim.Adam(model.parameters(), lr=0.005)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        total = 0.0
        for ids, labels in train_loader:
            loss = criterion(model(ids), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            acc = (model(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1}  loss {total / len(train_loader):.4f}  test acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
