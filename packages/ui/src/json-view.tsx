/** The answer as it came, and the request that brings it. */

/** More text than this stops browsers; the link has all of it. */
const SHOWN_MAX = 200_000;

export function JsonView({ body, address }: { body: unknown; address: string }) {
  const text = JSON.stringify(body, null, 2);
  return (
    <div class="json">
      <p>
        <a href={address} target="_blank" rel="noreferrer">
          Open the request
        </a>
        {text.length > SHOWN_MAX && <span class="hint"> — the first {SHOWN_MAX / 1000} kB are shown here</span>}
      </p>
      <pre>{text.slice(0, SHOWN_MAX)}</pre>
    </div>
  );
}
