/**
 * What can be wrong with a remote-write body, where, and how that is said to whoever sent it. The numbers are shared
 * by kernels/ingest.ts, which notes them, and its twin, which specifies them.
 */
import { InputError } from "../base/errors.ts";

/** Which layer or message a fault was found in. */
export const MESSAGE = { snappy: 0, request: 1, series: 2, label: 3, sample: 4, metadata: 5 } as const;

export const FAULT = {
  varintCut: 1,
  varintLong: 2,
  /** A length beyond the end of the message around it. */
  length: 3,
  fixedCut: 4,
  /** Groups (3 and 4), and 6 and 7, which mean nothing. */
  wireType: 5,
  fieldNumber: 6,
  /** A known field of another wire type than its own. */
  knownType: 7,
  tagCut: 8,
  literalInput: 9,
  literalOutput: 10,
  copyOffset: 11,
  copyOutput: 12,
  short: 13,
} as const;

export interface WireFault {
  /** One of FAULT. */
  readonly code: number;
  /** One of MESSAGE. */
  readonly message: number;
  /** Number of the field at fault, 0 when its tag cannot be read. */
  readonly field: number;
  /** Offset of the field (or snappy element) in the raw message (or compressed body). */
  readonly at: number;
  /** The length, offset, number or wire type that is wrong; what was unpacked for `short`. */
  readonly value: number;
}

/** 400: the body is not what it says it is. */
export class WireFaultError extends InputError {
  readonly fault: WireFault;

  /** `byteCount`: length of what `fault.at` is an offset in. */
  constructor(fault: WireFault, byteCount: number) {
    const layer = fault.message === MESSAGE.snappy ? "remote write: snappy" : "remote write";
    super(`${layer}: at byte ${fault.at} of ${byteCount}: ${describe(fault)}`);
    this.fault = fault;
  }
}

const MESSAGE_NAMES: readonly string[] = ["block", "request", "series", "label", "sample", "metadata"];
const FIELD_NAMES: readonly (readonly string[])[] = [
  [],
  ["", "series", "", "metadata"],
  ["", "label", "sample", "exemplar", "histogram"],
  ["", "label name", "label value"],
  ["", "sample value", "sample timestamp"],
  ["", "metadata type", "metric family name", "", "metadata help", "metadata unit"],
];

function describe(fault: WireFault): string {
  const { code, value } = fault;
  switch (code) {
    case FAULT.varintCut:
      return `${subject(fault)} ends in the middle of a number`;
    case FAULT.varintLong:
      return fault.message === MESSAGE.snappy
        ? "the length in front takes more than 32 bits"
        : `${subject(fault)} holds a number of more than 64 bits`;
    case FAULT.length:
      return `${subject(fault)} length ${value} runs past the end`;
    case FAULT.fixedCut:
      return `${subject(fault)} wants ${value} bytes, which run past the end`;
    case FAULT.wireType:
      return value === 3 || value === 4
        ? `${subject(fault)} is a group (wire type ${value}), which remote write does not have`
        : `${subject(fault)} has wire type ${value}, which protobuf does not have`;
    case FAULT.fieldNumber:
      return `${subject(fault)} has field number ${value}, want 1 to ${2 ** 29 - 1}`;
    case FAULT.knownType:
      return `${subject(fault)} has wire type ${value}, which is not its own`;
    case FAULT.tagCut:
      return "the block ends in the middle of an element";
    case FAULT.literalInput:
      return `a literal of ${value} bytes runs past the end of the block`;
    case FAULT.literalOutput:
      return `a literal of ${value} bytes runs past the declared length`;
    case FAULT.copyOffset:
      return `a copy from ${value} bytes back reaches before the start`;
    case FAULT.copyOutput:
      return `a copy of ${value} bytes runs past the declared length`;
    case FAULT.short:
      return `the block ends after ${value} bytes, fewer than it declares`;
    default:
      return `fault ${code}`;
  }
}

function subject(fault: WireFault): string {
  const messageName = MESSAGE_NAMES[fault.message] as string;
  if (fault.message === MESSAGE.snappy) return "the length in front";
  if (fault.field === 0) return `a field of the ${messageName}`;
  return (FIELD_NAMES[fault.message]?.[fault.field] ?? "") || `field ${fault.field} of the ${messageName}`;
}
