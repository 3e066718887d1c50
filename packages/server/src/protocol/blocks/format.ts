/**
 * The stream of blocks that exports are written in, byte by byte in docs/format/export-blocks.md.
 *
 *   ┌────────┬───────┬─────────┬───────┬─────────┬─────┬───────┬────────┐
 *   │ header │ frame │ block 0 │ frame │ block 1 │  …  │ frame │ footer │
 *   │ 16     │ 9     │         │ 9     │         │     │ 9     │        │
 *   └────────┴───────┴─────────┴───────┴─────────┴─────┴───────┴────────┘
 *
 * A frame's checksum goes on from that of the frame before, so what is missing, doubled or out of place shows where it happens.
 */
export const MAGIC = "NYZBLOCK";
export const VERSION = 1;
export const HEADER_BYTES = 16;
export const FRAME_BYTES = 9;

/** Kinds of frames. */
export const KIND_BLOCK = 1;
export const KIND_FOOTER = 2;

/** A writer ends a block with the entry that brings it here. */
export const BLOCK_BYTES: number = 64 << 10;
export const BLOCK_SAMPLES = 65_536;
/** No reader takes more: one entry beyond the above, with labels that only other limits bound. */
export const PAYLOAD_BYTES_MAX: number = 16 << 20;
export const PAYLOAD_SAMPLES_MAX: number = BLOCK_SAMPLES + 8192;

/** Bit of the footer's flags: damage kept the source from reading everything. */
export const FLAG_PARTIAL = 1;
