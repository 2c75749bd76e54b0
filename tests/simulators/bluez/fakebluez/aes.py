"""AES-128, encryption of one block, after FIPS 197. Slow and plain: a second opinion on the driver's library."""


def _make_sbox():
    box = [0] * 256
    p = q = 1
    while True:
        p ^= (p << 1) ^ (0x11B if p & 0x80 else 0)      # times 3
        p &= 0xFF
        q ^= q << 1                                     # divided by 3
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        rotated = q
        for shift in range(1, 5):
            rotated ^= ((q << shift) | (q >> (8 - shift))) & 0xFF
        box[p] = rotated ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return bytes(box)


SBOX = _make_sbox()


def _double(byte):
    return ((byte << 1) ^ (0x1B if byte & 0x80 else 0)) & 0xFF


def _expand(key):
    words = [key[i:i + 4] for i in range(0, 16, 4)]
    rcon = 1
    for i in range(4, 44):
        word = words[i - 1]
        if i % 4 == 0:
            word = bytes(SBOX[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ rcon]) + word[1:]
            rcon = _double(rcon)
        words.append(bytes(a ^ b for a, b in zip(words[i - 4], word)))
    return [b"".join(words[i:i + 4]) for i in range(0, 44, 4)]


def encrypt_block(key, block):
    keys = _expand(key)
    state = bytes(a ^ b for a, b in zip(block, keys[0]))
    for number in range(1, 11):
        state = bytes(SBOX[b] for b in state)
        state = bytes(state[(i + 4 * (i % 4)) % 16] for i in range(16))
        if number < 10:
            mixed = bytearray()
            for i in range(0, 16, 4):
                a = state[i:i + 4]
                every = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += bytes(a[j] ^ every ^ _double(a[j] ^ a[(j + 1) % 4]) for j in range(4))
            state = bytes(mixed)
        state = bytes(a ^ b for a, b in zip(state, keys[number]))
    return state


def counter_mode(key, nonce, plain):
    """One block of counter mode with the nonce in the first two bytes, as the products encrypt their records."""
    stream = encrypt_block(key, nonce.to_bytes(2, "little") + bytes(14))
    return bytes(a ^ b for a, b in zip(plain, stream))
