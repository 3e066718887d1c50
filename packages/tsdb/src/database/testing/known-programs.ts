/** Programs that failed once, shrunk: the model test runs them first. What each found is in `why`. */
import type { Program } from "./program.ts";

export const KNOWN_PROGRAMS: readonly { readonly why: string; readonly program: Program }[] = [];
