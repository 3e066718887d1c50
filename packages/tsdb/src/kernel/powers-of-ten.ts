/**
 * The powers of ten that scale every double to 16 or 17 digits: 128 bits each, as kernels/points.ts wants them. BigInt
 * makes them once in about a millisecond, quicker than a table of them would be to read, and to check.
 */
export const POWER_MIN = -292;
export const POWER_MAX = 324;

const BITS = 128n;

/**
 * For each power from POWER_MIN to POWER_MAX the 128 bits from its first 1 on, rounded up: as four 32-bit words, lowest
 * first.
 */
export function makePowersOfTen(): Uint32Array {
  const words = new Uint32Array(4 * (POWER_MAX - POWER_MIN + 1));
  for (let power = POWER_MIN; power <= POWER_MAX; power++) {
    let bits = upperBits(power);
    for (let i = 0; i < 4; i++) {
      words[4 * (power - POWER_MIN) + i] = Number(bits & 0xffff_ffffn);
      bits >>= 32n;
    }
  }
  return words;
}

function upperBits(power: number): bigint {
  if (power >= 0) {
    const whole = 10n ** BigInt(power);
    const excess = bitLength(whole) - BITS;
    return excess <= 0n ? whole << -excess : shiftRightUp(whole, excess);
  }
  // 1/d for a d of n bits, not a power of two, lies between 2^-n and 2^(1-n): so 2^(127+n) / d has 128 bits.
  const divisor = 10n ** BigInt(-power);
  const dividend = 1n << (BITS - 1n + bitLength(divisor));
  return (dividend + divisor - 1n) / divisor;
}

function shiftRightUp(value: bigint, count: bigint): bigint {
  return (value + (1n << count) - 1n) >> count;
}

function bitLength(value: bigint): bigint {
  return BigInt(value.toString(2).length);
}
