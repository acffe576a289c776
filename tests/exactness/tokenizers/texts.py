"""The texts that the tokenizers are compared on. texts.h makes the same ones in C++."""

MASK = (1 << 64) - 1
RANDOM_TEXTS = 100_000
WORDS = ["don't", "'ll", " 'S", "I'VE", "hello", " world", "<|endoftext|>", "<|padding|>", "<s>",
         "</s>", "<unk>", "\u2581", "\u2581\u2581", "<0x0A>", "a\u2581b", "\r\n", "\n\n", "  ",
         "\u200d", "\ufe0f", "http://", "::", "...", "----", "====", "\u00df", "\ufb01", "\u1e9b\u0323"]
SPACES = [0x9, 0xA, 0xB, 0xC, 0xD, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x180E, 0x2000,
          0x2003, 0x200A, 0x200B, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]


class Random:
    """splitmix64."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % bound

    def between(self, first, last):
        return first + self.below(last - first + 1)


def scalar(c):
    """A surrogate is no character: its place is taken by one of the private use."""
    return chr(c + 0x800 if 0xD800 <= c <= 0xDFFF else c)


def part(random):
    kind = random.below(18)
    count = random.between(1, 8)
    ranges = {0: (0x61, 0x7A), 1: (0x41, 0x5A), 2: (0x30, 0x39), 3: (0x21, 0x2F), 4: (0, 0x10FFFF),
              5: (0, 0xFFFF), 6: (0x300, 0x36F), 7: (0, 0x1F), 8: (0x7F, 0x9F), 9: (0x1F300, 0x1FAFF),
              10: (0x1100, 0x11FF), 11: (0xC0, 0x24F), 12: (0x4E00, 0x9FFF), 13: (0x370, 0xDFF)}
    if kind in ranges:
        first, last = ranges[kind]
        return "".join(scalar(random.between(first, last)) for _ in range(count))
    if kind == 14:
        return "".join(chr(SPACES[random.below(len(SPACES))]) for _ in range(count))
    if kind == 15:
        return WORDS[random.below(len(WORDS))]
    if kind == 16:
        return " " * random.between(1, 30)
    character = scalar(random.between(0x20, 0x2FFF)) if random.below(2) else chr(random.between(0x20, 0x7E))
    return character * random.between(2, 200)


def random_text(index):
    random = Random(index)
    return "".join(part(random) for _ in range(random.between(1, 12)))


BLOCK = 16
BLOCKS = 0x110000 // BLOCK


def block_text(index):
    """Every code point of a block of 16: alone, after a letter, a space, a digit and doubled."""
    text = []
    for c in range(index * BLOCK, index * BLOCK + BLOCK):
        s = scalar(c)
        text.append(["", "a", " ", "1"][c % 4] + s + ["b", " ", s, "\u0301"][c // 4 % 4])
    return "".join(text)


def fnv(ids, state=0xCBF29CE484222325):
    """FNV-1a over the ids of one text and an end mark, 32 bits at a time."""
    for i in list(ids) + [0xFFFFFFFF]:
        state = ((state ^ i) * 0x100000001B3) & MASK
    return state
