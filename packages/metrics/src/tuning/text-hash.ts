/**
 * 32 bits of `text`: FNV-1a over its UTF-16 units instead of bytes, then mixed so that the low bits are as good as the high ones. The same in every
 * process and release. Not against enemies: who wants two values to meet can make them.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) | 0;
}

const FNV_PRIME = 0x01000193;
