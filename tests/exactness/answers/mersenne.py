"""std::mt19937_64 of C++, so that both draw the same."""

WORDS, SHIFT, MASK = 312, 156, (1 << 64) - 1
UPPER, LOWER = MASK & ~((1 << 31) - 1), (1 << 31) - 1


class Mersenne64:
    def __init__(self, seed):
        self.state = [seed]
        for i in range(1, WORDS):
            last = self.state[-1]
            self.state.append((6364136223846793005 * (last ^ (last >> 62)) + i) & MASK)
        self.at = WORDS

    def twist(self):
        state = self.state
        for i in range(WORDS):
            x = (state[i] & UPPER) | (state[(i + 1) % WORDS] & LOWER)
            state[i] = state[(i + SHIFT) % WORDS] ^ (x >> 1) ^ (0xB5026F5AA96619E9 * (x & 1))
        self.at = 0

    def __call__(self):
        if self.at == WORDS:
            self.twist()
        x = self.state[self.at]
        self.at += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        return x ^ (x >> 43)
