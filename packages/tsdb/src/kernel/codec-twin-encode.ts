/**
 * The block codec in TypeScript: the specification of kernels/codec.ts, and what runs when wasm is missing. Both write the
 * same bytes. Format: docs/format/block.md.
 *
 * Integers are held in doubles, which is exact here: mantissas stay under 2^51, their differences under 2^52, and sums
 * and differences of those under 2^53. 64-bit patterns are held as two 32-bit words.
 *
 * How a column is encoded:
 *
 *   values ── all alike? ───────────────────────────────────────► CONSTANT, LINE
 *      │
 *      ├─ decimals: m = v · 10^e for the least e that pays;       m ── divide by the common factor of the differences
 *      │  what does not come back bit-exact is an exception             │
 *      │                                                                ├─ FRAME   m_i − m_0           each a list of
 *      ├─ few representable doubles apart: m = bits − bits_0 ──►        ├─ DELTA   first differences   residuals, packed
 *      │                                                                ├─ DELTA2  second differences  to one width,
 *      │                                                                ├─ TREND   m_i − i · slope     outliers patched
 *      │                                                                └─ GAPS, BITMAP  only the differences that
 *      │                                                                                 are not zero, and where
 *      └─ neither: XOR with the one before, or SPLIT into exponent and mantissa; RAW when nothing is smaller
 *
 * Sizes are estimated from histograms of bit lengths, in passes over the column; only the winner is written.
 */
import {
	BITMAP,
	BLOCK_SAMPLES_MAX,
	CONSTANT,
	DELTA,
	DELTA2,
	ENCODED_BYTES_MAX,
	EXCEPTION_BITS,
	EXCEPTION_HIGH,
	EXCEPTION_LOW,
	EXPONENT_MAX,
	EXPONENT_ULPS,
	FRAME,
	GAPS,
	HAS_DIVISOR,
	HAS_EXCEPTIONS,
	HAS_PATCHES,
	LEADING_CLASSES,
	LINE,
	MANTISSA_MAX,
	POWERS_OF_TEN,
	PREFIXES_MAX,
	RAW,
	RESIDUAL_LIMIT,
	SPLIT,
	TREND,
	XOR,
} from "./codec-format.ts";

/** 1.5 · 2^52: adding and taking it away again rounds to the nearest integer, ties to even, as the kernel does. */
const ROUNDER = 6755399441055744;
const TWO_32 = 4294967296;
/** Bits a sample above which decimals must beat the codecs for doubles. */
const DEAR_BITS = 40;
/** Samples looked at before all of them are. */
const PROBES = 32;
/** Estimated bits of an exception, and of the place of a patch. */
const EXCEPTION_COST = 80;
const PATCH_PLACE_COST = 12;
/** Bits a sample that one more decimal digit costs, times 100. */
const DIGIT_COST = 332;

/** The column being encoded, and its bits as (low, high) words. */
const values = new Float64Array(BLOCK_SAMPLES_MAX);
const words = new Uint32Array(values.buffer);
/** Integers to encode; after `planIntegers` relative to the first and divided by the common factor. */
const mantissas = new Float64Array(BLOCK_SAMPLES_MAX);
const deltas = new Float64Array(BLOCK_SAMPLES_MAX);
const deltas2 = new Float64Array(BLOCK_SAMPLES_MAX);
const trends = new Float64Array(BLOCK_SAMPLES_MAX);
const changes = new Float64Array(BLOCK_SAMPLES_MAX);
const gaps = new Float64Array(BLOCK_SAMPLES_MAX);
/** Places whose value is not what its mantissa says. */
const exceptions = new Uint16Array(BLOCK_SAMPLES_MAX);
let exceptionCount = 0;

const out = new Uint8Array(ENCODED_BYTES_MAX);
let outAt = 0;

/** What `planIntegers` decided. */
let first = 0;
let divisor = 1;
let slope = 0;
let changeCount = 0;

/** How a list of residuals will be packed. Residuals outside `[center − 2^below, center + 2^above)` are patches. */
class ResidualPlan {
	center = 0;
	below = 0;
	above = 0;
	hasPatches = false;
	width = 0;
	/** Estimated size; infinite when the list cannot be packed. */
	bits = 0;
}
const framePlan = new ResidualPlan();
const deltaPlan = new ResidualPlan();
const delta2Plan = new ResidualPlan();
const trendPlan = new ResidualPlan();
const gapPlan = new ResidualPlan();
const changePlan = new ResidualPlan();

/** Encodes `column[lo..hi)`, at most BLOCK_SAMPLES_MAX samples. The view is valid until the next call. */
export function encodeColumnTwin(
	column: Float64Array,
	lo: number,
	hi: number,
): Uint8Array {
	const count = hi - lo;
	values.set(column.subarray(lo, hi));
	outAt = 0;
	encode(count);
	// Estimates are close, not exact: never worse than raw whatever was chosen.
	if (outAt > 1 + 8 * count) {
		outAt = 0;
		writeRaw(count);
	}
	return out.subarray(0, outAt);
}

function encode(count: number): void {
	if (count === 0) return writeRaw(0);
	if (isConstant(count)) return writeConstant();
	const exponent = findExponent(count);
	let decimalBits = Infinity;
	if (exponent >= 0) {
		scaleToMantissas(count, exponent);
		const codec = planIntegers(count);
		decimalBits = bitsOf(codec, count) + exceptionCount * EXCEPTION_COST;
		if (decimalBits <= DEAR_BITS * count)
			return writeIntegers(codec, exponent, count);
	}
	const xorBits = measureXor(count);
	const splitBits = planSplit(count);
	let ulpsBits = Infinity;
	let ulpsCodec = FRAME;
	if (subtractFirstBits(count)) {
		ulpsCodec = planIntegers(count);
		ulpsBits = 64 + bitsOf(ulpsCodec, count);
	}
	const bits = Math.min(decimalBits, ulpsBits, xorBits, splitBits);
	if (bits >= 64 * count) return writeRaw(count);
	if (ulpsBits === bits) return writeIntegers(ulpsCodec, EXPONENT_ULPS, count);
	if (splitBits === bits) return writeSplit(count);
	if (xorBits === bits) return writeXor(count);
	scaleToMantissas(count, exponent);
	writeIntegers(planIntegers(count), exponent, count);
}

// ── Constants ───────────────────────────────────────────────────────────────────────────────────────────────────────

function isConstant(count: number): boolean {
	const low = words[0];
	const high = words[1];
	for (let i = 2; i < 2 * count; i += 2) {
		if (words[i] !== low || words[i + 1] !== high) return false;
	}
	return true;
}

function writeConstant(): void {
	const value = values[0];
	if (fits(value, 1) && zigzagLength(value) < 7) {
		writeByte(LINE);
		writeZigzag(value);
		writeByte(0);
	} else {
		writeByte(CONSTANT);
		writeWords(words[0], words[1]);
	}
}

function writeRaw(count: number): void {
	writeByte(RAW);
	for (let i = 0; i < count; i++) writeWords(words[2 * i], words[2 * i + 1]);
}

// ── From values to integers ─────────────────────────────────────────────────────────────────────────────────────────

/** Whether `value` is an integer over `power` (of ten), by the arithmetic of the decoder, to the last bit. */
function fits(value: number, power: number): boolean {
	const scaled = value * power;
	if (!(Math.abs(scaled) <= MANTISSA_MAX)) return false;
	const mantissa = scaled + ROUNDER - ROUNDER;
	// −0 passes as 0 and must not.
	return mantissa / power === value && (mantissa !== 0 || 1 / value > 0);
}

/** Least exponent from `from` on at which `value` is a decimal; −1 if there is none. */
function leastExponent(value: number, from: number): number {
	for (let exponent = from; exponent <= EXPONENT_MAX; exponent++) {
		const power = POWERS_OF_TEN[exponent];
		if (!(Math.abs(value * power) <= MANTISSA_MAX)) return -1;
		if (fits(value, power)) return exponent;
	}
	return -1;
}

/** NaN, ±Inf, −0: no scale makes them integers, so they say nothing about the right one. */
function isSpecial(value: number): boolean {
	return !(Math.abs(value) < Infinity) || (value === 0 && 1 / value < 0);
}

/** How many samples need which exponent; those below the one in use are counted with it. */
const exponentCounts = new Uint32Array(EXPONENT_MAX + 1);

/**
 * The exponent to scale by, or −1 when too many values are no short decimals. A few values with more digits than the
 * rest become exceptions when that is smaller than scaling all by more.
 */
function findExponent(count: number): number {
	exponentCounts.fill(0);
	const probes = Math.min(count, PROBES);
	let strangers = 0;
	let probed = 0;
	for (let k = 0; k < probes; k++) {
		const value = values[Math.floor((k * count) / probes)];
		if (isSpecial(value)) continue;
		probed++;
		const exponent = leastExponent(value, 0);
		if (exponent < 0) strangers++;
		else exponentCounts[exponent]++;
	}
	if (2 * strangers > probed || probed === 0) return -1;
	let current = EXPONENT_MAX;
	while (current > 0 && 8 * exponentCounts[current] < probed) current--;

	exponentCounts.fill(0);
	strangers = 0;
	const lowest = current;
	const strangersMax = (count >> 3) + 4;
	let power = POWERS_OF_TEN[current];
	for (let i = 0; i < count; i++) {
		const value = values[i];
		if (fits(value, power)) {
			exponentCounts[current]++;
			continue;
		}
		if (isSpecial(value)) continue;
		// From the lowest on: the one in use may have too few digits for this value, or too many.
		const exponent = leastExponent(value, lowest);
		if (exponent < 0) {
			if (++strangers > strangersMax) return -1;
		} else if (8 * ++exponentCounts[exponent] > i + 16 && exponent > current) {
			current = exponent;
			power = POWERS_OF_TEN[current];
		}
	}

	let best = -1;
	let bestCost = 0;
	let dropped = strangers;
	for (let exponent = EXPONENT_MAX; exponent >= lowest; exponent--) {
		if (exponentCounts[exponent] === 0) continue;
		const cost = dropped * EXCEPTION_COST * 100 + exponent * DIGIT_COST * count;
		if (best < 0 || cost <= bestCost) {
			best = exponent;
			bestCost = cost;
		}
		dropped += exponentCounts[exponent];
	}
	return best;
}

/** Fills `mantissas` and `exceptions`. An exception has its predecessor's mantissa, so that it costs the packing nothing. */
function scaleToMantissas(count: number, exponent: number): void {
	const power = POWERS_OF_TEN[exponent];
	exceptionCount = 0;
	let last = 0;
	let lead = 0;
	for (let i = 0; i < count; i++) {
		const value = values[i];
		if (fits(value, power)) {
			last = value * power + ROUNDER - ROUNDER;
			if (lead === i) {
				for (let k = 0; k < i; k++) mantissas[k] = last;
				lead = -1;
			}
		} else {
			exceptions[exceptionCount++] = i;
			if (lead === i) lead = i + 1;
		}
		mantissas[i] = last;
	}
}

/** Fills `mantissas` with how many representable doubles each value is above the first; false when that is too far. */
function subtractFirstBits(count: number): boolean {
	const low = words[0];
	const high = words[1] | 0;
	exceptionCount = 0;
	for (let i = 0; i < count; i++) {
		const highs = (words[2 * i + 1] | 0) - high;
		if (highs >= 0x7ffff || highs <= -0x7ffff) return false;
		mantissas[i] = highs * TWO_32 + (words[2 * i] - low);
	}
	return true;
}

// ── Choosing among the integer codecs ───────────────────────────────────────────────────────────────────────────────

/** Makes `mantissas` relative to the first and free of the common factor, plans every integer codec, returns the best. */
function planIntegers(count: number): number {
	first = mantissas[0];
	divisor = commonFactor(count);
	let zeros = 0;
	mantissas[0] = 0;
	for (let i = 1; i < count; i++) {
		mantissas[i] = (mantissas[i] - first) / divisor;
		deltas[i] = mantissas[i] - mantissas[i - 1];
		deltas2[i] = deltas[i] - deltas[i - 1];
		if (deltas[i] === 0) zeros++;
	}
	planResiduals(framePlan, mantissas, 1, count);
	planResiduals(deltaPlan, deltas, 1, count);
	planResiduals(delta2Plan, deltas2, 2, count);
	planTrend(count);
	changePlan.bits = Infinity;
	gapPlan.bits = Infinity;
	if (8 * zeros >= count) planChanges(count);

	let best = DELTA;
	for (let codec = FRAME; codec <= BITMAP; codec++) {
		if (bitsOf(codec, count) < bitsOf(best, count)) best = codec;
	}
	return best;
}

/** Estimated bits of the body under an integer codec. */
function bitsOf(codec: number, count: number): number {
	switch (codec) {
		case FRAME:
			return framePlan.bits;
		case DELTA:
			return deltaPlan.bits;
		case DELTA2:
			return delta2Plan.bits + 8 * zigzagLength(deltas[1]);
		case TREND:
			return trendPlan.bits + 8 * zigzagLength(slope);
		case GAPS:
			return gapPlan.bits + changePlan.bits + 16;
		default:
			return changePlan.bits + count;
	}
}

/** Greatest common divisor of all differences; 1 when all are 0. */
function commonFactor(count: number): number {
	let factor = 0;
	for (let i = 1; i < count; i++) {
		const delta = Math.abs(mantissas[i] - mantissas[i - 1]);
		if (factor === 0) factor = delta;
		else if (delta % factor !== 0) {
			let rest = delta % factor;
			while (rest !== 0) {
				const next = factor % rest;
				factor = rest;
				rest = next;
			}
			if (factor === 1) return 1;
		}
	}
	return factor === 0 ? 1 : factor;
}

/** Points at which a trend is tried before all samples are. */
const TREND_PROBES = 16;
const probeSlopes = new Float64Array(TREND_PROBES);

/**
 * A trend is a slope that does not drift: timestamps of a scraper that is late by a little, but never more. The slope is the
 * median over sixteen stretches, so that one outage does not spoil it.
 */
function planTrend(count: number): void {
	trendPlan.bits = Infinity;
	slope = 0;
	if (count < 2 * TREND_PROBES || deltaPlan.bits === Infinity) return;
	const stride = Math.floor((count - 1) / TREND_PROBES);
	for (let k = 0; k < TREND_PROBES; k++) {
		const rise = (mantissas[(k + 1) * stride] - mantissas[k * stride]) / stride;
		probeSlopes[k] = rise + ROUNDER - ROUNDER;
	}
	slope = median(probeSlopes, TREND_PROBES);
	if (slope === 0 || Math.abs(slope) * count >= RESIDUAL_LIMIT / 2) return;
	// A random walk strays much further from its trend than one step; then the pass over all samples is not worth it.
	let lowest = 0;
	let highest = 0;
	for (let k = 1; k <= TREND_PROBES; k++) {
		const stray = mantissas[k * stride] - k * stride * slope;
		if (stray < lowest) lowest = stray;
		if (stray > highest) highest = stray;
	}
	if (highest - lowest >= 2 ** deltaPlan.width) return;
	for (let i = 1; i < count; i++) trends[i] = mantissas[i] - i * slope;
	planResiduals(trendPlan, trends, 1, count);
}

/** Collects the differences that are not zero, and how many zeros stand before each. */
function planChanges(count: number): void {
	changeCount = 0;
	let place = 1;
	for (let i = 1; i < count; i++) {
		if (deltas[i] === 0) continue;
		changes[changeCount] = deltas[i];
		gaps[changeCount++] = i - place;
		place = i + 1;
	}
	planResiduals(changePlan, changes, 0, changeCount);
	planResiduals(gapPlan, gaps, 0, changeCount);
}

// ── Lists of residuals ──────────────────────────────────────────────────────────────────────────────────────────────

const MEDIAN_PROBES = 9;
const probes = new Float64Array(MEDIAN_PROBES);
/** Residuals by bit length of their distance above and below the center. */
const aboveCounts = new Uint32Array(56);
const belowCounts = new Uint32Array(56);

/** Decides which residuals of `list[lo..hi)` are packed and which are patched. */
function planResiduals(
	plan: ResidualPlan,
	list: Float64Array,
	lo: number,
	hi: number,
): void {
	const count = hi - lo;
	plan.center = 0;
	plan.below = 0;
	plan.above = 0;
	plan.width = 0;
	plan.hasPatches = false;
	plan.bits = 16;
	if (count <= 0) return;
	const probeCount = Math.min(count, MEDIAN_PROBES);
	for (let k = 0; k < probeCount; k++)
		probes[k] = list[lo + Math.floor((k * count) / probeCount)];
	const center = median(probes, probeCount);
	plan.center = center;
	aboveCounts.fill(0);
	belowCounts.fill(0);
	let lowest = center;
	let highest = center;
	for (let i = lo; i < hi; i++) {
		const residual = list[i];
		if (residual < lowest) lowest = residual;
		if (residual > highest) highest = residual;
		const distance = residual - center;
		if (distance >= 0) aboveCounts[bitLength(distance)]++;
		else belowCounts[bitLength(-1 - distance)]++;
	}
	if (highest >= RESIDUAL_LIMIT || lowest <= -RESIDUAL_LIMIT) {
		plan.bits = Infinity;
		return;
	}

	// From all packed on, give up the further side, class by class, while patches are few.
	let above = bitLength(highest - center);
	let below = lowest < center ? bitLength(center - 1 - lowest) : 0;
	const patchesMax = count >> 2;
	let patches = 0;
	let patchBits = 0;
	let best = Infinity;
	for (;;) {
		const windowHi = Math.min(highest, center + 2 ** above - 1);
		const windowLo = Math.max(lowest, center - 2 ** below);
		const width = bitLength(windowHi - windowLo);
		const bits =
			8 + 8 * zigzagLength(windowLo) + (count - patches) * width + patchBits;
		if (bits < best) {
			best = bits;
			plan.above = above;
			plan.below = below;
			plan.width = width;
			plan.hasPatches = patches > 0;
		}
		if (above === 0 && below === 0) break;
		let dropped = 0;
		let length = above;
		if (above >= below) dropped = aboveCounts[above--];
		else {
			length = below;
			dropped = belowCounts[below--];
		}
		patches += dropped;
		patchBits +=
			dropped * (PATCH_PLACE_COST + 8 * Math.floor((length + 7) / 7));
		if (patches > patchesMax) break;
	}
	plan.bits = best;
}

/** Median of `list[0..count)`, the upper one of two; sorts the list. */
function median(list: Float64Array, count: number): number {
	for (let i = 1; i < count; i++) {
		const item = list[i];
		let k = i;
		for (; k > 0 && list[k - 1] > item; k--) list[k] = list[k - 1];
		list[k] = item;
	}
	return list[count >> 1];
}

function writeResiduals(
	plan: ResidualPlan,
	list: Float64Array,
	lo: number,
	hi: number,
): void {
	const windowLo = plan.center - 2 ** plan.below;
	const windowHi = plan.center + 2 ** plan.above;
	let base = hi > lo ? plan.center : 0;
	let top = base;
	for (let i = lo; i < hi; i++) {
		const residual = list[i];
		if (residual < base && residual >= windowLo) base = residual;
		if (residual > top && residual < windowHi) top = residual;
	}
	const width = bitLength(top - base);
	top = base + 2 ** width;
	let patches = 0;
	if (plan.hasPatches) {
		for (let i = lo; i < hi; i++)
			if (list[i] < base || list[i] >= top) patches++;
	}
	writeByte(patches > 0 ? width | HAS_PATCHES : width);
	writeZigzag(base);
	if (patches > 0) writeVarint(patches);
	beginBits();
	for (let i = lo; i < hi; i++) {
		const residual = list[i];
		if (residual >= base && residual < top) putBits(residual - base, width);
	}
	endBits();
	if (patches === 0) return;
	let place = lo;
	for (let i = lo; i < hi; i++) {
		const residual = list[i];
		if (residual >= base && residual < top) continue;
		const distance = residual - base;
		writeVarint(2 * (i - place) + (distance < 0 ? 1 : 0));
		writeVarint(Math.abs(distance));
		place = i + 1;
	}
}

// ── Integer columns ─────────────────────────────────────────────────────────────────────────────────────────────────

function writeIntegers(codec: number, exponent: number, count: number): void {
	if (
		codec === DELTA &&
		exponent === 0 &&
		exceptionCount === 0 &&
		isLine(count)
	) {
		writeByte(LINE);
		writeZigzag(first);
		writeZigzag(deltas[1] * divisor);
		return;
	}
	writeByte(codec);
	writeByte(
		exponent |
			(exceptionCount > 0 ? HAS_EXCEPTIONS : 0) |
			(divisor !== 1 ? HAS_DIVISOR : 0),
	);
	if (exponent === EXPONENT_ULPS) writeWords(words[0], words[1]);
	else writeZigzag(first);
	if (divisor !== 1) writeVarint(divisor);
	switch (codec) {
		case FRAME:
			writeResiduals(framePlan, mantissas, 1, count);
			break;
		case DELTA:
			writeResiduals(deltaPlan, deltas, 1, count);
			break;
		case DELTA2:
			writeZigzag(deltas[1]);
			writeResiduals(delta2Plan, deltas2, 2, count);
			break;
		case TREND:
			writeZigzag(slope);
			writeResiduals(trendPlan, trends, 1, count);
			break;
		case GAPS:
			writeVarint(changeCount);
			writeResiduals(gapPlan, gaps, 0, changeCount);
			writeResiduals(changePlan, changes, 0, changeCount);
			break;
		default:
			beginBits();
			for (let i = 1; i < count; i++) putBits(deltas[i] === 0 ? 0 : 1, 1);
			endBits();
			writeResiduals(changePlan, changes, 0, changeCount);
	}
	if (exceptionCount > 0) writeExceptions();
}

function isLine(count: number): boolean {
	for (let i = 2; i < count; i++) if (deltas[i] !== deltas[1]) return false;
	return true;
}

function writeExceptions(): void {
	writeVarint(exceptionCount);
	let place = 0;
	for (let k = 0; k < exceptionCount; k++) {
		const i = exceptions[k];
		const low = words[2 * i];
		const high = words[2 * i + 1];
		let kind = 0;
		while (
			kind < EXCEPTION_LOW.length &&
			(EXCEPTION_LOW[kind] !== low || EXCEPTION_HIGH[kind] !== high)
		)
			kind++;
		if (kind === EXCEPTION_LOW.length) kind = EXCEPTION_BITS;
		writeVarint(8 * (i - place) + kind);
		if (kind === EXCEPTION_BITS) writeWords(low, high);
		place = i + 1;
	}
}

// ── Doubles: XOR with the one before ────────────────────────────────────────────────────────────────────────────────

/** Index into LEADING_CLASSES by leading zeros. */
const leadingClassOf: Uint8Array = Uint8Array.from(
	{ length: 65 },
	(_, zeros) => {
		let index = LEADING_CLASSES.length - 1;
		while (LEADING_CLASSES[index] > zeros) index--;
		return index;
	},
);

function leadingZeros(low: number, high: number): number {
	return high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
}

function trailingZeros(low: number, high: number): number {
	return low !== 0
		? 31 - Math.clz32(low & -low)
		: 63 - Math.clz32(high & -high);
}

/** Exact bits of the column under XOR. */
function measureXor(count: number): number {
	let bits = 64;
	let windowClass = -1;
	for (let i = 1; i < count; i++) {
		const low = (words[2 * i] ^ words[2 * i - 2]) >>> 0;
		const high = (words[2 * i + 1] ^ words[2 * i - 1]) >>> 0;
		if (low === 0 && high === 0) {
			bits += 1;
			continue;
		}
		const leadingClass = leadingClassOf[leadingZeros(low, high)];
		const trailing = trailingZeros(low, high);
		if (trailing > 8) {
			bits += 3 + 3 + 6 + 64 - LEADING_CLASSES[leadingClass] - trailing;
			windowClass = -1;
		} else if (leadingClass === windowClass) {
			bits += 2 + 64 - LEADING_CLASSES[leadingClass];
		} else {
			bits += 3 + 3 + 64 - LEADING_CLASSES[leadingClass];
			windowClass = leadingClass;
		}
	}
	return bits;
}

/**
 * Bits, first to last, lowest first:
 *   0                                    same as the one before
 *   1 0          64−L bits               XOR without the L leading zeros of the last 110
 *   1 1 0 ccc    64−L bits               the same with a new L = LEADING_CLASSES[c]
 *   1 1 1 ccc ssssss  s+1 bits           only the s+1 bits after L leading zeros; zeros follow
 */
function writeXor(count: number): void {
	writeByte(XOR);
	writeWords(words[0], words[1]);
	beginBits();
	let windowClass = -1;
	for (let i = 1; i < count; i++) {
		const low = (words[2 * i] ^ words[2 * i - 2]) >>> 0;
		const high = (words[2 * i + 1] ^ words[2 * i - 1]) >>> 0;
		if (low === 0 && high === 0) {
			putBits(0, 1);
			continue;
		}
		const leadingClass = leadingClassOf[leadingZeros(low, high)];
		const trailing = trailingZeros(low, high);
		const length = 64 - LEADING_CLASSES[leadingClass];
		if (trailing > 8) {
			putBits(7 | (leadingClass << 3) | ((length - trailing - 1) << 6), 12);
			putWords(low, high, trailing, length - trailing);
			windowClass = -1;
		} else if (leadingClass === windowClass) {
			putBits(1, 2);
			putWords(low, high, 0, length);
		} else {
			putBits(3 | (leadingClass << 3), 6);
			putWords(low, high, 0, length);
			windowClass = leadingClass;
		}
	}
	endBits();
}

// ── Doubles: sign and exponent by dictionary, mantissa packed ───────────────────────────────────────────────────────

const prefixCounts = new Uint16Array(4096);
const prefixCodes = new Uint8Array(4096);
/** Prefixes of the column by falling count; the first `dictionarySize` have codes. */
const prefixList = new Uint16Array(4096);
let dictionarySize = 0;
/** Lowest mantissa bits that are zero in every value. */
let splitShift = 0;

/** Estimated bits of the column under SPLIT. */
function planSplit(count: number): number {
	let distinct = 0;
	let ored = 0;
	let oredHigh = 0;
	for (let i = 0; i < count; i++) {
		ored |= words[2 * i];
		oredHigh |= words[2 * i + 1];
		const prefix = words[2 * i + 1] >>> 20;
		if (prefixCounts[prefix]++ === 0) prefixList[distinct++] = prefix;
	}
	oredHigh &= 0xfffff;
	splitShift =
		(ored | oredHigh) === 0 ? 52 : trailingZeros(ored >>> 0, oredHigh);

	// Most frequent first, the smaller of equals first: a selection sort of the few that get codes.
	const rankMax = Math.min(distinct, PREFIXES_MAX);
	for (let rank = 0; rank < rankMax; rank++) {
		let best = rank;
		for (let k = rank + 1; k < distinct; k++) {
			const more = prefixCounts[prefixList[k]] - prefixCounts[prefixList[best]];
			if (more > 0 || (more === 0 && prefixList[k] < prefixList[best]))
				best = k;
		}
		const prefix = prefixList[best];
		prefixList[best] = prefixList[rank];
		prefixList[rank] = prefix;
	}
	let bestBits = Infinity;
	for (let codeWidth = 0; codeWidth <= 4; codeWidth++) {
		const size = Math.min(rankMax, 1 << codeWidth);
		let covered = 0;
		for (let rank = 0; rank < size; rank++)
			covered += prefixCounts[prefixList[rank]];
		const bits = 32 + 16 * size + count * codeWidth + 28 * (count - covered);
		if (bits < bestBits) {
			bestBits = bits;
			dictionarySize = size;
		}
	}
	for (let k = 0; k < distinct; k++) {
		prefixCounts[prefixList[k]] = 0;
		prefixCodes[prefixList[k]] = k < dictionarySize ? k : 0xff;
	}
	return bestBits + count * (52 - splitShift);
}

function writeSplit(count: number): void {
	writeByte(SPLIT);
	writeByte(splitShift);
	writeByte(dictionarySize);
	for (let k = 0; k < dictionarySize; k++) writePrefix(prefixList[k]);
	const codeWidth = 32 - Math.clz32(dictionarySize - 1);
	let strangers = 0;
	beginBits();
	for (let i = 0; i < count; i++) {
		let code = prefixCodes[words[2 * i + 1] >>> 20];
		if (code === 0xff) {
			strangers++;
			code = 0;
		}
		putBits(code, codeWidth);
	}
	endBits();
	beginBits();
	for (let i = 0; i < count; i++) {
		putWords(
			words[2 * i],
			words[2 * i + 1] & 0xfffff,
			splitShift,
			52 - splitShift,
		);
	}
	endBits();
	writeVarint(strangers);
	let place = 0;
	for (let i = 0; strangers > 0 && i < count; i++) {
		const prefix = words[2 * i + 1] >>> 20;
		if (prefixCodes[prefix] !== 0xff) continue;
		writeVarint(i - place);
		writePrefix(prefix);
		place = i + 1;
	}
}

function writePrefix(prefix: number): void {
	writeByte(prefix & 0xff);
	writeByte(prefix >>> 8);
}

// ── Bytes and bits ──────────────────────────────────────────────────────────────────────────────────────────────────

function writeByte(byte: number): void {
	out[outAt++] = byte;
}

function writeWords(low: number, high: number): void {
	for (let shift = 0; shift < 32; shift += 8) out[outAt++] = low >>> shift;
	for (let shift = 0; shift < 32; shift += 8) out[outAt++] = high >>> shift;
}

/** Seven bits a byte, lowest first, the top bit set on all but the last. `value` < 2^53. */
function writeVarint(value: number): void {
	let rest = value;
	while (rest >= 0x80) {
		out[outAt++] = (rest % 0x80) | 0x80;
		rest = Math.floor(rest / 0x80);
	}
	out[outAt++] = rest;
}

/** 0, −1, 1, −2, … as 0, 1, 2, 3, … */
function writeZigzag(value: number): void {
	writeVarint(value < 0 ? -2 * value - 1 : 2 * value);
}

/** Bytes `writeZigzag` takes. */
function zigzagLength(value: number): number {
	const bits = bitLength(value < 0 ? -1 - value : value) + 1;
	return Math.floor((bits + 6) / 7);
}

const lengthOf = new Float64Array(1);
const lengthWords = new Uint32Array(lengthOf.buffer);

/** Bits of an integer ≥ 0: 0 for 0, 1 for 1, 2 for 2 and 3. The exponent of a double says it. */
function bitLength(value: number): number {
	if (value === 0) return 0;
	lengthOf[0] = value;
	return (lengthWords[1] >>> 20) - 1022;
}

/** Bits not yet written as a whole word, and how many: 0 to 31. */
let pending = 0;
let pendingBits = 0;

function beginBits(): void {
	pending = 0;
	pendingBits = 0;
}

/** Appends the low `width` bits of an integer < 2^width, width ≤ 53. */
function putBits(value: number, width: number): void {
	if (width <= 32) putWord(value >>> 0, width);
	else {
		putWord(value >>> 0, 32);
		putWord((value / TWO_32) >>> 0, width - 32);
	}
}

/** Appends `width` bits of (low, high), from bit `shift` on. */
function putWords(
	low: number,
	high: number,
	shift: number,
	width: number,
): void {
	if (shift >= 32) return putWord((high >>> (shift - 32)) & mask(width), width);
	const lower = shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
	if (width <= 32) return putWord((lower & mask(width)) >>> 0, width);
	putWord(lower >>> 0, 32);
	putWord(((high >>> shift) & mask(width - 32)) >>> 0, width - 32);
}

function mask(width: number): number {
	return width >= 32 ? -1 : (1 << width) - 1;
}

function putWord(word: number, width: number): void {
	pending |= word << pendingBits;
	const filled = pendingBits + width;
	if (filled < 32) {
		pendingBits = filled;
		return;
	}
	for (let shift = 0; shift < 32; shift += 8) out[outAt++] = pending >>> shift;
	pending = pendingBits === 0 ? 0 : word >>> (32 - pendingBits);
	pendingBits = filled - 32;
}

function endBits(): void {
	for (; pendingBits > 0; pendingBits -= 8) {
		out[outAt++] = pending;
		pending >>>= 8;
	}
	pendingBits = 0;
}
