/** The page from top to bottom: controls, query, what came of it; or controls and a board of graphs. */
import { Board } from "./board.tsx";
import { Controls } from "./controls.tsx";
import { QueryBox } from "./query-box.tsx";
import { Result } from "./result.tsx";
import { view } from "./state.ts";

export function App() {
  return (
    <>
      <header class="top">
        <h1 class="brand">
          <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M2 9c2.5-3 4.5-3 7 0s4.5 3 7 0 4-3 6-1" />
            <path d="M2 15c2.5-3 4.5-3 7 0s4.5 3 7 0 4-3 6-1" />
          </svg>
          Nyanza
        </h1>
        <Controls />
      </header>
      <main>
        {view.value.board.length > 0 ? (
          <Board />
        ) : (
          <>
            <QueryBox />
            <Result />
          </>
        )}
      </main>
    </>
  );
}
