/** An error and the place in the query it speaks of, underlined. */
import type { QueryError } from "./api.ts";

export function ErrorNote({ query, error }: { query: string; error: QueryError }) {
  return (
    <div class="error" role="alert">
      <h2>{error.title}</h2>
      <p class="error-message">{error.message}</p>
      {error.line > 0 && <Place query={query} line={error.line} column={error.column} />}
    </div>
  );
}

/** Columns count UTF-16 units, as the server's do. The caret's line repeats the text before it, unseen, so that any font and any character fit. */
function Place({ query, line, column }: { query: string; line: number; column: number }) {
  const text = query.split("\n")[line - 1];
  if (text === undefined) return null;
  const at = Math.min(column - 1, text.length);
  return (
    <pre class="error-place">
      {text}
      {"\n"}
      <span class="unseen" aria-hidden="true">
        {text.slice(0, at)}
      </span>
      <span class="caret" aria-hidden="true">
        ^
      </span>
    </pre>
  );
}
