/**
 * Text that is kept for long must not keep more alive than itself: V8 represents a slice of 13 characters or more as a view of
 * the text it was cut from, so that a path of 20 characters can hold on to the megabytes of the request it came in.
 */

/** Equal to `text`, and its own copy. For what is kept, not for what passes. */
export function detachText(text: string): string {
  // UTF-16 and back is exact, also for halves of surrogate pairs.
  return text.length < SLICE_LENGTH_MIN ? text : Buffer.from(text, "utf16le").toString("utf16le");
}

/** Shorter slices are copies already. */
const SLICE_LENGTH_MIN = 13;
