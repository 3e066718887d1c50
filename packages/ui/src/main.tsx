/** Where the page starts: index.html loads this. */
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { App } from "./app.tsx";
import { start } from "./state.ts";

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no element with the id app");
start();
render(<App />, root);
