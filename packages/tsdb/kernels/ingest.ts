/**
 * The kernel that reads what strangers sent: snappy, remote write 1.0, and the keyed hash of raw label bytes.
 *
 * Its memory holds one request and the labels of earlier ones (ingest/recall.ts), nothing else, so a bound missed here costs those. Still every length is
 * checked against the message around it before it is used. Reads may go up to 262 bytes and writes up to 16 bytes
 * beyond a region: the wrapper (src/kernel/ingest-kernel.ts) leaves SLACK bytes behind each.
 *
 *   ┌ body ┐  unsnappy  ┌ raw ┐   parse   ┌ hashes │ label ranges │ sample ends │ metadata │ timestamps │ values ┐
 *
 * What it computes is specified by src/kernel/ingest-twin.ts; fault codes are those of src/kernel/wire-fault.ts.
 */
import { absorb, beginKept, beginWideHash, finishWide, keep, setHashKey } from "./hash/sip";
import { beginRecall, learnLabels, recallLabels, setRecallTenant, storeRecalled } from "./ingest/recall";

export { placeRecall, recallBytes, recalledCount } from "./ingest/recall";

export function heapBase(): usize {
  return __heap_base;
}

// ---- faults -------------------------------------------------------------------------------------------------------

/** Which message a fault was found in. */
const SNAPPY: u32 = 0;
const REQUEST: u32 = 1;
const SERIES: u32 = 2;
const LABEL: u32 = 3;
const SAMPLE: u32 = 4;
const METADATA: u32 = 5;

const FAULT_VARINT_CUT: u32 = 1;
const FAULT_VARINT_LONG: u32 = 2;
const FAULT_LENGTH: u32 = 3;
const FAULT_FIXED_CUT: u32 = 4;
const FAULT_WIRE_TYPE: u32 = 5;
const FAULT_FIELD_NUMBER: u32 = 6;
const FAULT_KNOWN_TYPE: u32 = 7;
const FAULT_TAG_CUT: u32 = 8;
const FAULT_LITERAL_INPUT: u32 = 9;
const FAULT_LITERAL_OUTPUT: u32 = 10;
const FAULT_COPY_OFFSET: u32 = 11;
const FAULT_COPY_OUTPUT: u32 = 12;
const FAULT_SHORT: u32 = 13;

export let faultCode: u32 = 0;
export let faultMessage: u32 = 0;
/** Number of the field whose tag is at `faultAt`; 0 if the tag itself cannot be read. */
export let faultField: u32 = 0;
/** Offset from the start of the body (snappy) or of the raw message (the others). */
export let faultAt: u32 = 0;
/** The length, offset or wire type that is wrong. */
export let faultValue: f64 = 0;

function fail(code: u32, message: u32, number: u32, at: u32, value: f64): bool {
  faultCode = code;
  faultMessage = message;
  faultField = number;
  faultAt = at;
  faultValue = value;
  return false;
}

// ---- hashes of raw labels -------------------------------------------------------------------------------------------

const PREFIX_BYTES: u32 = 16;

export function setKey(a: u32, b: u32, c: u32, d: u32): void {
  setHashKey(a, b, c, d);
}

/** Absorbs what comes before the raw bytes of every series of a batch: the domain and the tenant. */
export function setPrefix(domain: u32, accountId: u32, projectId: u32): void {
  beginWideHash();
  absorb(<u64>domain);
  absorb(<u64>accountId | ((<u64>projectId) << 32));
  keep();
  setRecallTenant(accountId, projectId);
}

/** Hash of prefix and `[lo, hi)` to the 16 bytes at `target`. Reads up to 7 bytes beyond `hi`. */
function hash(lo: u32, hi: u32, target: u32): void {
  beginKept();
  finishWide(lo, hi, PREFIX_BYTES, target);
}

/**
 * Hashes `count` keys that lie one behind the other from `keys` on; `ends` holds where each ends (u32), counted from
 * where the first starts plus `endsFrom`.
 */
export function hashKeys(keys: u32, ends: u32, endsFrom: u32, count: u32, target: u32): void {
  let lo = keys;
  for (let i: u32 = 0; i < count; i++) {
    const hi = keys + load<u32>(ends + (i << 2)) - endsFrom;
    hash(lo, hi, target + (i << 4));
    lo = hi;
  }
}

// ---- snappy, block format -----------------------------------------------------------------------------------------

/** Bytes that the length in front took; `declaredBytes` is what it says. */
let headerBytes: u32 = 0;
export let declaredBytes: u32 = 0;

/** Reads the length that the block says it unpacks to: a varint of at most 32 bits. */
export function readSnappyHeader(body: u32, length: u32): bool {
  let value: u64 = 0;
  for (let i: u32 = 0; i < 5; i++) {
    if (i >= length) return fail(FAULT_VARINT_CUT, SNAPPY, 0, 0, 0);
    const byte = <u64>load<u8>(body + i);
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (value > 0xffffffff) return fail(FAULT_VARINT_LONG, SNAPPY, 0, 0, 0);
      headerBytes = i + 1;
      declaredBytes = <u32>value;
      return true;
    }
  }
  return fail(FAULT_VARINT_LONG, SNAPPY, 0, 0, 0);
}

/** All 64 bytes that a copy may be long: those in vain cost less than a guess at how many it takes, and what comes next is written over them. */
function copy64(target: u32, from: u32): void {
  v128.store(target, v128.load(from));
  v128.store(target, v128.load(from, 16), 16);
  v128.store(target, v128.load(from, 32), 32);
  v128.store(target, v128.load(from, 48), 48);
}

/** Unpacks what follows the header into `[raw, raw + declaredBytes)`. Writes up to 63 bytes beyond. */
export function unsnappy(body: u32, length: u32, raw: u32): bool {
  const end = body + length;
  const rawEnd = raw + declaredBytes;
  let source = body + headerBytes;
  let target = raw;
  while (source < end) {
    const tag = <u32>load<u8>(source);
    const at = source - body;
    const left = end - source - 1;
    source += 1;
    if ((tag & 3) == 0) {
      let lengthMinus1 = tag >> 2;
      if (lengthMinus1 >= 60) {
        const lengthBytes = lengthMinus1 - 59;
        if (lengthBytes > left) return fail(FAULT_TAG_CUT, SNAPPY, 0, at, 0);
        lengthMinus1 = load<u32>(source) & (0xffffffff >>> (32 - (lengthBytes << 3)));
        source += lengthBytes;
      }
      if (lengthMinus1 >= end - source) return fail(FAULT_LITERAL_INPUT, SNAPPY, 0, at, <f64>lengthMinus1 + 1);
      if (lengthMinus1 >= rawEnd - target) return fail(FAULT_LITERAL_OUTPUT, SNAPPY, 0, at, <f64>lengthMinus1 + 1);
      if (lengthMinus1 < 16) v128.store(target, v128.load(source));
      else if (lengthMinus1 < 64) copy64(target, source);
      else memory.copy(target, source, lengthMinus1 + 1);
      source += lengthMinus1 + 1;
      target += lengthMinus1 + 1;
      continue;
    }
    let count: u32;
    let offset: u32;
    if ((tag & 3) == 1) {
      if (left < 1) return fail(FAULT_TAG_CUT, SNAPPY, 0, at, 0);
      count = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | <u32>load<u8>(source);
      source += 1;
    } else if ((tag & 3) == 2) {
      if (left < 2) return fail(FAULT_TAG_CUT, SNAPPY, 0, at, 0);
      count = (tag >> 2) + 1;
      offset = <u32>load<u16>(source);
      source += 2;
    } else {
      if (left < 4) return fail(FAULT_TAG_CUT, SNAPPY, 0, at, 0);
      count = (tag >> 2) + 1;
      offset = load<u32>(source);
      source += 4;
    }
    // Offset 0 wraps round and is refused with those that reach before the start.
    if (offset - 1 >= target - raw) return fail(FAULT_COPY_OFFSET, SNAPPY, 0, at, <f64>offset);
    if (count > rawEnd - target) return fail(FAULT_COPY_OUTPUT, SNAPPY, 0, at, <f64>count);
    const copyEnd = target + count;
    const from = target - offset;
    if (offset >= 16) {
      copy64(target, from);
    } else {
      // The distance doubles with every store until it holds 8 bytes that do not overlap.
      while (target - from < 8 && target < copyEnd) {
        const distance = target - from;
        store<u64>(target, load<u64>(from));
        target += distance;
      }
      const distance = target - from;
      while (target < copyEnd) {
        store<u64>(target, load<u64>(target - distance));
        target += 8;
      }
    }
    target = copyEnd;
  }
  if (target != rawEnd) return fail(FAULT_SHORT, SNAPPY, 0, length, <f64>(target - raw));
  return true;
}

// ---- protobuf: one field ------------------------------------------------------------------------------------------

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/** Start of the raw message: faults count from here. */
let rawBase: u32 = 0;

/** What readField found. */
let fieldNumber: u32 = 0;
let fieldType: u32 = 0;
/** Payload of a BYTES field, or the place of a fixed one. */
let fieldLo: u32 = 0;
let fieldHi: u32 = 0;
/** Value of a VARINT field. */
let fieldValue: u64 = 0;

/** Where the varint read last ended, 0 if it is not well-formed (then varintCode says why). */
let varintEnd: u32 = 0;
let varintCode: u32 = 0;

function readVarint(at: u32, end: u32): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  varintCode = FAULT_VARINT_CUT;
  while (at < end) {
    const byte = <u64>load<u8>(at);
    at += 1;
    // The tenth byte has one bit left to give.
    if (shift == 63 && byte > 1) {
      varintCode = FAULT_VARINT_LONG;
      break;
    }
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      varintEnd = at;
      return value;
    }
    shift += 7;
  }
  varintEnd = 0;
  return 0;
}

/** Reads the field at `at` of the message that ends at `end`; false, with the fault noted, if it is not well-formed. */
function readField(at: u32, end: u32, message: u32): bool {
  const start = at - rawBase;
  const tag = readVarint(at, end);
  if (varintEnd == 0) return fail(varintCode, message, 0, start, 0);
  const number = tag >> 3;
  if (number == 0 || number > 0x1fffffff) return fail(FAULT_FIELD_NUMBER, message, 0, start, <f64>number);
  fieldNumber = <u32>number;
  fieldType = <u32>tag & 7;
  fieldLo = varintEnd;
  if (fieldType == BYTES) {
    const length = readVarint(varintEnd, end);
    if (varintEnd == 0) return fail(varintCode, message, fieldNumber, start, 0);
    fieldLo = varintEnd;
    if (length > <u64>(end - fieldLo)) return fail(FAULT_LENGTH, message, fieldNumber, start, <f64>length);
    fieldHi = fieldLo + <u32>length;
  } else if (fieldType == VARINT) {
    fieldValue = readVarint(varintEnd, end);
    if (varintEnd == 0) return fail(varintCode, message, fieldNumber, start, 0);
    fieldHi = varintEnd;
  } else if (fieldType == FIXED64 || fieldType == FIXED32) {
    const width: u32 = fieldType == FIXED64 ? 8 : 4;
    if (width > end - fieldLo) return fail(FAULT_FIXED_CUT, message, fieldNumber, start, <f64>width);
    fieldHi = fieldLo + width;
  } else return fail(FAULT_WIRE_TYPE, message, fieldNumber, start, <f64>fieldType);
  return true;
}

/** Refuses a known field of another type than its own. */
function wantType(type: u32, message: u32, at: u32): bool {
  if (fieldType == type) return true;
  return fail(FAULT_KNOWN_TYPE, message, fieldNumber, at - rawBase, <f64>fieldType);
}

// ---- remote write 1.0 ---------------------------------------------------------------------------------------------

const DONE: i32 = 0;
const WANT_SERIES: i32 = 1;
const WANT_SAMPLES: i32 = 2;
const WANT_METADATA: i32 = 3;
const FAULT: i32 = -1;

/** ±2^53 stands for timestamps beyond. */
const TIMESTAMP_LIMIT: i64 = 9007199254740992;

let position: u32 = 0;
let rawEnd: u32 = 0;
export let seriesCount: u32 = 0;
export let sampleCount: u32 = 0;
export let metadataCount: u32 = 0;
export let exemplarCount: u32 = 0;
export let histogramCount: u32 = 0;
/** Samples of series without a label. */
export let unnamedSampleCount: u32 = 0;

/** Columns: their addresses and how many rows they have room for. */
let hashes: u32 = 0;
let labelRanges: u32 = 0;
let sampleEnds: u32 = 0;
let metadataRanges: u32 = 0;
let timestamps: u32 = 0;
let values: u32 = 0;
let seriesRoom: u32 = 0;
let sampleRoom: u32 = 0;
let metadataRoom: u32 = 0;

/** Points at a new request. */
export function start(raw: u32, length: u32): void {
  rawBase = raw;
  position = raw;
  rawEnd = raw + length;
  seriesCount = 0;
  sampleCount = 0;
  metadataCount = 0;
  exemplarCount = 0;
  histogramCount = 0;
  unnamedSampleCount = 0;
  beginRecall();
}

/** Says where the columns are; called again, with what they hold moved along, when parse() wanted more room. */
export function setColumns(
  hashesAt: u32,
  labelRangesAt: u32,
  sampleEndsAt: u32,
  seriesLimit: u32,
  timestampsAt: u32,
  valuesAt: u32,
  sampleLimit: u32,
  metadataRangesAt: u32,
  metadataLimit: u32,
): void {
  hashes = hashesAt;
  labelRanges = labelRangesAt;
  sampleEnds = sampleEndsAt;
  seriesRoom = seriesLimit;
  timestamps = timestampsAt;
  values = valuesAt;
  sampleRoom = sampleLimit;
  metadataRanges = metadataRangesAt;
  metadataRoom = metadataLimit;
}

/**
 * Parses on from where it stopped: DONE at the end of the request, WANT_… when a column is full (the series or
 * metadata it was at is begun anew by the next call), FAULT with the fault noted.
 */
export function parse(): i32 {
  let at = position;
  const end = rawEnd;
  while (at < end) {
    let lo = at + 2;
    let hi: u32 = 0;
    // A series with a length of one or two bytes, as nearly all are; everything else by the book.
    if (load<u8>(at) == 0x0a) {
      const first = <u32>load<u8>(at + 1);
      if (first < 0x80) hi = lo + first;
      else {
        const second = <u32>load<u8>(at + 2);
        lo += 1;
        if (second < 0x80) hi = lo + ((first & 0x7f) | (second << 7));
      }
    }
    if (hi == 0 || hi > end) {
      if (!readField(at, end, REQUEST)) return FAULT;
      lo = fieldLo;
      hi = fieldHi;
      if (fieldNumber == 3) {
        if (!wantType(BYTES, REQUEST, at)) return FAULT;
        if (metadataCount == metadataRoom) {
          position = at;
          return WANT_METADATA;
        }
        if (!checkMetadata(lo, hi)) return FAULT;
        store<u32>(metadataRanges + (metadataCount << 3), lo);
        store<u32>(metadataRanges + (metadataCount << 3), hi, 4);
        metadataCount += 1;
        at = hi;
        continue;
      }
      if (fieldNumber != 1) {
        at = hi;
        continue;
      }
      if (!wantType(BYTES, REQUEST, at)) return FAULT;
    }
    const status = parseSeries(lo, hi);
    if (status != DONE) {
      position = at;
      return status;
    }
    at = hi;
  }
  position = at;
  return DONE;
}

function parseSeries(lo: u32, hi: u32): i32 {
  if (seriesCount == seriesRoom) return WANT_SERIES;
  const recalled = recallLabels(lo, hi);
  let at = lo + recalled;
  // Labels first, as every known sender writes them. One of less than 128 bytes is checked without a call: if its
  // texts do not end exactly where it ends (as they cannot when a length in it takes two bytes), readField looks again.
  while (at < hi && load<u8>(at) == 0x0a) {
    const labelEnd = at + 2 + <u32>load<u8>(at + 1);
    const valueTag = at + 4 + <u32>load<u8>(at + 3);
    const isPlain =
      labelEnd <= hi &&
      load<u8>(at + 1) < 0x80 &&
      load<u8>(at + 2) == 0x0a &&
      load<u8>(valueTag) == 0x12 &&
      valueTag + 2 + <u32>load<u8>(valueTag + 1) == labelEnd;
    if (isPlain) at = labelEnd;
    else {
      if (!readField(at, hi, SERIES)) return FAULT;
      at = fieldHi;
      if (!checkLabel(fieldLo, fieldHi)) return FAULT;
    }
  }
  let labelsEnd = at;
  let hasLaterLabels = false;
  let exemplars: u32 = 0;
  let histograms: u32 = 0;
  let sample = sampleCount;
  while (at < hi) {
    let sampleLo = at + 2;
    let sampleHi = sampleLo + <u32>load<u8>(at + 1);
    if (load<u8>(at) != 0x12 || load<u8>(at + 1) >= 0x80 || sampleHi > hi) {
      if (!readField(at, hi, SERIES)) return FAULT;
      const number = fieldNumber;
      if (number <= 4 && !wantType(BYTES, SERIES, at)) return FAULT;
      at = fieldHi;
      if (number == 1) {
        if (!checkLabel(fieldLo, fieldHi)) return FAULT;
        hasLaterLabels = true;
      } else if (number == 3) exemplars += 1;
      else if (number == 4) histograms += 1;
      if (number != 2) continue;
      sampleLo = fieldLo;
      sampleHi = fieldHi;
    }
    at = sampleHi;
    if (sample == sampleRoom) return WANT_SAMPLES;
    // Value and a timestamp of up to 8 bytes, in this order: a varint is found by its first byte below 0x80.
    const timestampWord = load<u64>(sampleLo + 10);
    const stops = ~timestampWord & 0x8080808080808080;
    const timestampBits = ctz(stops) + 1;
    if (
      load<u8>(sampleLo) == 0x09 &&
      load<u8>(sampleLo + 9) == 0x10 &&
      stops != 0 &&
      sampleLo + 10 + <u32>(timestampBits >> 3) == sampleHi
    ) {
      store<u64>(values + (sample << 3), load<u64>(sampleLo + 1));
      // Clear what follows the varint, then close the gap a byte has at its top: 7-bit groups, 14, 28, 56.
      let word = timestampWord & (stops ^ (stops - 1)) & 0x7f7f7f7f7f7f7f7f;
      word = (word & 0x007f007f007f007f) | ((word & 0x7f007f007f007f00) >> 1);
      word = (word & 0x00003fff00003fff) | ((word & 0x3fff00003fff0000) >> 2);
      word = (word & 0x000000000fffffff) | ((word & 0x0fffffff00000000) >> 4);
      store<f64>(timestamps + (sample << 3), <f64>min<i64>(<i64>word, TIMESTAMP_LIMIT));
    } else if (!parseSample(sampleLo, sampleHi, sample)) return FAULT;
    sample += 1;
  }
  exemplarCount += exemplars;
  histogramCount += histograms;
  if (hasLaterLabels) labelsEnd = gatherLabels(lo, hi);
  if (labelsEnd == lo) {
    unnamedSampleCount += sample - sampleCount;
    return DONE;
  }
  if (sample == sampleCount) return DONE;
  const series = seriesCount;
  const hashAt = hashes + (series << 4);
  if (recalled > 0 && !hasLaterLabels) storeRecalled(hashAt);
  else {
    hash(lo, labelsEnd, hashAt);
    learnLabels(lo, labelsEnd, hashAt);
  }
  store<u32>(labelRanges + (series << 3), lo);
  store<u32>(labelRanges + (series << 3), labelsEnd, 4);
  store<u32>(sampleEnds + (series << 2), sample);
  sampleCount = sample;
  seriesCount = series + 1;
  return DONE;
}

/** A sample in any order of its fields, the last of a repeated one winning, an absent one being 0. */
function parseSample(lo: u32, hi: u32, sample: u32): bool {
  let bits: u64 = 0;
  let timestamp: i64 = 0;
  for (let at = lo; at < hi; at = fieldHi) {
    if (!readField(at, hi, SAMPLE)) return false;
    if (fieldNumber == 1) {
      if (!wantType(FIXED64, SAMPLE, at)) return false;
      bits = load<u64>(fieldLo);
    } else if (fieldNumber == 2) {
      if (!wantType(VARINT, SAMPLE, at)) return false;
      timestamp = <i64>fieldValue;
    }
  }
  store<u64>(values + (sample << 3), bits);
  timestamp = max<i64>(min<i64>(timestamp, TIMESTAMP_LIMIT), -TIMESTAMP_LIMIT);
  store<f64>(timestamps + (sample << 3), <f64>timestamp);
  return true;
}

function checkLabel(lo: u32, hi: u32): bool {
  for (let at = lo; at < hi; at = fieldHi) {
    if (!readField(at, hi, LABEL)) return false;
    if (fieldNumber <= 2 && !wantType(BYTES, LABEL, at)) return false;
  }
  return true;
}

function checkMetadata(lo: u32, hi: u32): bool {
  for (let at = lo; at < hi; at = fieldHi) {
    if (!readField(at, hi, METADATA)) return false;
    if (fieldNumber == 1) {
      if (!wantType(VARINT, METADATA, at)) return false;
    } else if (fieldNumber == 2 || fieldNumber == 4 || fieldNumber == 5) {
      if (!wantType(BYTES, METADATA, at)) return false;
    }
  }
  return true;
}

/**
 * Moves the label fields of a series, already checked, to its front, where nothing else of it is needed any more, so
 * that the same labels give the same bytes whatever came between them. Returns where they end.
 */
function gatherLabels(lo: u32, hi: u32): u32 {
  let target = lo;
  let at = lo;
  while (at < hi) {
    readField(at, hi, SERIES);
    const next = fieldHi;
    if (fieldNumber == 1) {
      memory.copy(target, at, next - at);
      target += next - at;
    }
    at = next;
  }
  return target;
}
