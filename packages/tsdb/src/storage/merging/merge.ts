/**
 * Parts → one part: the same samples, sorted, one a time (block-joiner.ts says in which blocks). The inputs stay until the manifest names the result.
 */
import type { CorruptionError } from "../../base/errors.ts";
import type { Disk } from "../../disk/disk.ts";
import { lowerBound, unite } from "../../index/postings.ts";
import type { PartMask, Tombstones } from "../deletes/tombstones.ts";
import type { Pace } from "../pacer.ts";
import { BlockGatherer } from "../parts/block-gatherer.ts";
import { PartReader } from "../parts/part-reader.ts";
import { PartWriter } from "../parts/part-writer.ts";
import { MergeRuler } from "../rules/merge-ruler.ts";
import type { MergeRules } from "../rules/merge-rules.ts";
import { BlockJoiner } from "./block-joiner.ts";
import { findLonePages, StretchCopier } from "./stretch-copier.ts";

/** Series fetched together: at most this many, and fewer where they have many samples. */
const GROUP_SERIES_MAX = 256;
const GROUP_SAMPLES_MAX = 1 << 22;

/** What a merge made. */
export interface MergedPart {
  /** Null if no sample was left. */
  readonly part: PartReader | null;
  /** Samples that the rules took. */
  readonly dropped: number;
}

/**
 * Merges `sources` (oldest first) into a new part at `path`, leaving out samples before `minMs`, those that are deleted, and what the rules take.
 * @throws CorruptionError if a source is damaged: the caller keeps all of them, and what is whole stays readable.
 */
export async function mergeParts(
  disk: Disk,
  sources: readonly PartReader[],
  path: string,
  fileNumber: number,
  minMs: number,
  tombstones: Tombstones | null,
  pace: Pace,
  rules: MergeRules | null = null,
): Promise<MergedPart> {
  const idsOfSources = await Promise.all(sources.map((part) => part.idsIn(minMs, Number.POSITIVE_INFINITY)));
  const ids = unite(idsOfSources);
  const maskFor = (part: PartReader): PartMask | null => tombstones?.maskFor(part.fileNumber) ?? null;
  // Rules may have something to say about every sample.
  const isWhole = sources.map((part) => rules === null && part.info.minMs >= minMs && maskFor(part) === null);
  const lonePages = findLonePages(sources, idsOfSources, isWhole);
  const writer = await PartWriter.create(disk, path, fileNumber);
  let dropped = 0;
  try {
    const gatherer = new BlockGatherer((_part, error: CorruptionError) => {
      throw error;
    });
    const joiner = new BlockJoiner(gatherer, writer, minMs);
    const ruler = rules === null ? null : new MergeRuler(gatherer, writer, sources, rules, minMs);
    const copier = new StretchCopier(sources, writer);
    let groupSeries = GROUP_SERIES_MAX;
    for (let lo = 0, lone = 0; lo < ids.length; ) {
      const nextLone = lonePages[lone];
      if (nextLone?.firstId === ids[lo]) {
        await copier.copy(nextLone, pace);
        lo = lowerBound(ids, nextLone.lastId + 1, lo);
        lone++;
        continue;
      }
      const end = nextLone === undefined ? ids.length : lowerBound(ids, nextLone.firstId, lo);
      const group = ids.subarray(lo, Math.min(end, lo + groupSeries));
      const positions = group.map((_id, i) => i);
      gatherer.begin();
      for (const part of sources) {
        await gatherer.find(part, group, positions, minMs, Number.POSITIVE_INFINITY, maskFor(part));
      }
      if (gatherer.sampleCount > GROUP_SAMPLES_MAX && group.length > 1) {
        groupSeries = Math.max(1, Math.floor((group.length * GROUP_SAMPLES_MAX) / (2 * gatherer.sampleCount)));
        continue;
      }
      lo += group.length;
      await gatherer.load(group.length);
      for (let i = 0; i < group.length; i++) {
        const id = group[i] as number;
        if (ruler === null || !ruler.addSeries(i, id)) joiner.addSeries(i, id);
        if (writer.isFull) await writer.flush();
        if (pace.isDue) await pace.pause(writer.rows);
      }
    }
    dropped = ruler?.dropped ?? 0;
    if (writer.rows === 0) {
      await writer.abort();
      return { part: null, dropped };
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return { part: await PartReader.open(disk, path, fileNumber), dropped };
}

/** This many of a size are worth merging; then each byte is rewritten once or twice on its way to eight times the size. */
const FAN_IN = 8;
/** A segment of more than so many times the others' bytes is left as it is. */
const LEFT_RATIO = 64;
/** Below this all sizes are one. */
const SMALL_BYTES = 64 << 10;

/**
 * Which parts of a partition to merge next: eight of about one size, the smallest there are; null if there are no eight. Their age does not matter,
 * because answers never depend on the order of parts. What is left alone are fewer than eight in each factor of eight, whatever comes in.
 */
export function chooseParts<T extends { readonly info: { readonly bytes: number } }>(parts: readonly T[]): T[] | null {
  const bySize = [...parts].sort((a, b) => a.info.bytes - b.info.bytes);
  const sizeOf = (i: number): number => Math.max(SMALL_BYTES, (bySize[i] as T).info.bytes);
  for (let i = 0; i + FAN_IN <= bySize.length; i++) {
    if (sizeOf(i + FAN_IN - 1) <= sizeOf(i) * FAN_IN) return bySize.slice(i, i + FAN_IN);
  }
  return null;
}

/**
 * Which index segments to merge next. They must stay in order of their ids, so it is the newest ones: as many as it takes until the next older one is
 * more than eight times what has gathered.
 */
export function chooseRun<T extends { readonly bytes: number }>(segments: readonly T[]): T[] | null {
  if (segments.length < FAN_IN) return null;
  let from = segments.length - 1;
  let bytes = Math.max(SMALL_BYTES, (segments[from] as T).bytes);
  for (; from > 0 && (segments[from - 1] as T).bytes <= bytes * FAN_IN; from--)
    bytes += (segments[from - 1] as T).bytes;
  return segments.length - from > 1 ? segments.slice(from) : null;
}

/**
 * Which index segments to merge when all are to be one: all, unless one has more than so many times what the others have. It stays, and its newer neighbours
 * become one, or else its older ones. To write a million series again for a few that came before or later is nobody's gain.
 */
export function chooseAll<T extends { readonly bytes: number }>(segments: readonly T[]): readonly T[] | null {
  const total = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const large = segments.findIndex(({ bytes }) => bytes > Math.max(SMALL_BYTES, (total - bytes) * LEFT_RATIO));
  if (segments.length < 2) return null;
  if (large < 0) return segments;
  const newer = segments.slice(large + 1);
  const chosen = newer.length > 1 ? newer : segments.slice(0, large);
  return chosen.length > 1 ? chosen : null;
}
